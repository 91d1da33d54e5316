//! `std-web ADDRESS [DIRECTORY]`: serves a page and the files of a directory.

use std::env;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::ExitCode;

use std_web::Site;

/// Connections that are answered at once; more wait for their turn.
const WORKERS: usize = 8;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let Some(address) = arguments.next() else {
        eprintln!("usage: std-web ADDRESS [DIRECTORY]");
        return ExitCode::from(2);
    };
    let files = arguments.next().map_or_else(|| PathBuf::from("www"), PathBuf::from);

    let address = address.to_string_lossy();
    let listener = match TcpListener::bind(&*address) {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("std-web: {address}: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("std-web: {WORKERS} threads answer at {address}");
    std_web::serve(&listener, &Site::new(files), WORKERS);
    ExitCode::SUCCESS
}
