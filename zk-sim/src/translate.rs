//! Between the words of a client's engine and those of the model.
//!
//! Both know the protocol by a codec of their own, and the bytes in between are the dictionary: what the client's codec
//! writes, the model's reads, and the other way round. So an operation needs no row here.

use zk_session::ops::Opcode;
use zk_session::proto::{self, Reader};
use zk_session::{Reply, Request};

use crate::reply::{self, Body};
use crate::request;
use crate::wire::LENGTH_BYTES;
use crate::{Code, Quirks, Zxid};

/// What a server makes of a request.
///
/// # Errors
///
/// [`Code::Unimplemented`] for an operation that the server does not know.
pub(crate) fn asked(asked: &Request, quirks: &Quirks) -> Result<request::Request, Code> {
    let opcode = asked.opcode().raw();
    if !request::is_known(opcode, quirks) {
        return Err(Code::Unimplemented);
    }
    let mut body = Vec::with_capacity(asked.encoded_len());
    asked.encode(&mut body);
    request::decode(opcode, &body, quirks).map_err(Code::from)
}

/// What a client makes of an answer to this operation.
pub(crate) fn answered(opcode: Opcode, body: Body) -> Reply {
    let mut frame = reply::answer(0, Zxid(0), &Ok(body));
    let body = frame.split_off(LENGTH_BYTES + HEADER_BYTES).into();
    Reply::decode(opcode, &mut Reader::new(&body)).expect("the codecs of client and model agree")
}

/// A refusal, as a client knows it.
pub(crate) fn refused(code: Code) -> proto::Code {
    proto::Code::new(code.raw()).expect("a refusal has a code that is not 0")
}

/// Bytes between the length of an answer and its body.
const HEADER_BYTES: usize = 16;
