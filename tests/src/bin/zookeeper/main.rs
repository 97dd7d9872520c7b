//! A real ZooKeeper from the command line: for the examples, and to look at one by hand.

use std::env;
use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;

use zk_tests::{Installation, Options, Release, Server};

mod ensemble;

const USAGE: &str = "\
usage: zookeeper install                    install what is missing (Debian, as root), and fetch other releases
       zookeeper serve [PORT] [OPTION...]   run a server until Ctrl-C or the end of the standard input
       zookeeper ensemble PORT... [OPTION...]
                                            run one of several servers, and break it as the standard input says
           --version 3.9.3                  not the installed release, but this one (or 3.4.13)
           --setting NAME=VALUE             a line of zoo.cfg
           --property NAME=VALUE            a property of Java
           --user NAME:PASSWORD             who may log in by SASL
       zookeeper client HOST:PORT WORD...   run a command of ZooKeeper's own client, such as `ls /`";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["install"] => install(),
        ["serve", ref words @ ..] => serve(words),
        ["ensemble", ref words @ ..] => ensemble::run(words),
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
    for release in Release::ALL {
        match Installation::install_release(release) {
            Ok(_) => writeln!(out, "ZooKeeper {}: found", release.version())?,
            Err(error) => {
                writeln!(out, "ZooKeeper {}: {error}; its tests will be ignored", release.version())?;
            }
        }
    }
    Ok(())
}

fn serve(words: &[&str]) -> Result<(), Box<dyn Error>> {
    let Asked { installation, mut options, ports } = Asked::parse(words)?;
    match ports[..] {
        [] => {}
        [port] => options = options.port(port),
        _ => return Err(USAGE.into()),
    }
    let server = Server::launch(&installation, options)?;
    writeln!(io::stdout(), "serving at {}", server.address())?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

/// What servers are to be run.
struct Asked {
    installation: Installation,
    options: Options,
    ports: Vec<u16>,
}

impl Asked {
    fn parse(words: &[&str]) -> Result<Self, Box<dyn Error>> {
        let (mut options, mut release, mut ports) = (Options::new(), None, Vec::new());
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().copied().ok_or(USAGE);
            let mut pair = |by: char| value()?.split_once(by).ok_or(USAGE);
            match *word {
                "--version" => {
                    let version = value()?;
                    let known = Release::ALL.into_iter().find(|release| release.version() == version);
                    release = Some(known.ok_or("no such release is known")?);
                }
                "--setting" => {
                    let (name, value) = pair('=')?;
                    options = options.setting(name, value);
                }
                "--property" => {
                    let (name, value) = pair('=')?;
                    options = options.property(name, value);
                }
                "--user" => {
                    let (name, password) = pair(':')?;
                    options = options.jaas(name, password);
                }
                port => ports.push(port.parse().map_err(|_| USAGE)?),
            }
        }
        let installation = release
            .map_or_else(Installation::find, Installation::find_release)
            .map_err(|missing| format!("{missing}; or try `zookeeper install`"))?;
        Ok(Self { installation, options, ports })
    }
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
