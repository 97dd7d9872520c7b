//! A server to try a client on: `cargo run -p zk-sim --features serve --example serve -- ADDR`, until Ctrl-C.
#![allow(clippy::print_stdout, reason = "an example tells what it does")]

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:2181".into());
    let served = zk_sim::serve(address)?;
    println!("serving at {}", served.address());
    loop {
        std::thread::park();
    }
}
