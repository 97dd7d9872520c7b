//! What leaves a client, read along on its way.

use super::World;
use crate::request;

impl World {
    /// Takes note of the writes that leave a client.
    pub(super) fn read_along(&mut self, client: usize, id: crate::ConnId, bytes: &[u8]) {
        let life = self.life(client);
        let Some(wire) = self.net.wires.get_mut(&id) else { return };
        let mut said = std::mem::take(&mut wire.said);
        said.extend_from_slice(bytes);
        let mut rest = &*said;
        while let Some((head, tail)) = rest.split_first_chunk::<4>()
            && let Some((frame, after)) = tail.split_at_checked(u32::from_be_bytes(*head) as usize)
        {
            rest = after;
            if std::mem::replace(&mut wire.has_greeted, true)
                && let Some((xid, body)) = frame.split_first_chunk::<4>()
                && let Some((opcode, body)) = body.split_first_chunk::<4>()
                && let Ok(request::Request::Write(write)) =
                    request::decode(i32::from_be_bytes(*opcode), body, &self.quirks)
            {
                self.truth.sent(life, (id, i32::from_be_bytes(*xid)), &write);
            }
        }
        wire.said = rest.to_vec();
    }
}
