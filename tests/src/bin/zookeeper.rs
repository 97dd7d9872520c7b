//! A real ZooKeeper from the command line: for the examples, and to look at one by hand.

use std::env;
use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;

use zk_tests::{Installation, Options, Server};

const USAGE: &str = "\
usage: zookeeper install                    install what is missing (Debian, as root)
       zookeeper serve [PORT]               run a server until Ctrl-C or the end of the standard input
       zookeeper client HOST:PORT WORD...   run a command of ZooKeeper's own client, such as `ls /`";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["install"] => install(),
        ["serve"] => serve(Options::new()),
        ["serve", port] => port.parse().map_err(Into::into).and_then(|port| serve(Options::new().port(port))),
        ["client", server, ref words @ ..] if !words.is_empty() => client(server, words),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With nowhere to write to, the exit code must do.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn install() -> Result<(), Box<dyn Error>> {
    let installed = Installation::install()?;
    let mut out = io::stdout().lock();
    writeln!(out, "java: {}", installed.java().display())?;
    for jar in installed.class_path() {
        writeln!(out, "jar: {}", jar.display())?;
    }
    Ok(())
}

fn serve(options: Options) -> Result<(), Box<dyn Error>> {
    let installation =
        Installation::find().map_err(|missing| format!("{missing}; or try `zookeeper install`"))?;
    let server = Server::launch(&installation, options)?;
    writeln!(io::stdout(), "serving at {}", server.address())?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn client(server: &str, words: &[&str]) -> Result<(), Box<dyn Error>> {
    let output = Installation::find()?.client(server.parse()?, words)?;
    io::stdout().write_all(&output.stdout)?;
    io::stderr().write_all(&output.stderr)?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("the client failed ({})", output.status).into())
    }
}
