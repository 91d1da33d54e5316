//! Files, directories, and the errors of their calls.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

pub fn run() -> io::Result<()> {
    let directory = std::env::temp_dir().join("rust-std");
    fs::create_dir(&directory)?;
    contents(&directory.join("file"))?;
    names(&directory)?;
    errors(&directory);
    fs::remove_dir_all(&directory)?;
    println!("removed: {}", !directory.exists());
    Ok(())
}

fn contents(path: &Path) -> io::Result<()> {
    fs::write(path, "one\ntwo\n")?;
    OpenOptions::new().append(true).open(path)?.write_all(b"three\n")?;
    println!("read: {:?}", fs::read_to_string(path)?);

    let mut file = File::options().read(true).write(true).open(path)?;
    file.seek(SeekFrom::Start(4))?;
    file.write_all(b"TWO")?;
    file.set_len(8)?;
    file.rewind()?;
    let lines: Vec<String> = BufReader::new(&file).lines().collect::<io::Result<_>>()?;
    println!("lines: {lines:?}, {} bytes", file.metadata()?.len());

    let mut large = File::create(path)?;
    large.write_all(&vec![7; 1 << 20])?;
    large.sync_all()?;
    let mut bytes = Vec::new();
    File::open(path)?.read_to_end(&mut bytes)?;
    println!("large: {} bytes, all equal: {}", bytes.len(), bytes.iter().all(|&byte| byte == 7));
    Ok(())
}

fn names(directory: &Path) -> io::Result<()> {
    fs::rename(directory.join("file"), directory.join("renamed"))?;
    fs::copy(directory.join("renamed"), directory.join("copy"))?;
    fs::create_dir_all(directory.join("deep/deeper"))?;
    let mut names: Vec<_> =
        fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<_>>()?;
    names.sort();
    println!("names: {names:?}");
    println!("kinds: {} {}", directory.join("deep").is_dir(), directory.join("copy").is_file());
    Ok(())
}

fn errors(directory: &Path) {
    let kind = |result: io::Result<()>| result.err().map(|error| error.kind());
    println!("absent: {:?}", kind(File::open(directory.join("absent")).map(drop)));
    println!("not empty: {:?}", kind(fs::remove_dir(directory)));
    println!("there already: {:?}", kind(fs::create_dir(directory)));
    println!("through a file: {:?}", kind(fs::read(directory.join("copy/below")).map(drop)));
    let error = File::open(directory.join("absent")).expect_err("there is no such file");
    println!("said: {error}, {:?}", error.kind() == ErrorKind::NotFound);
}
