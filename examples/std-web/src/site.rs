//! What is served: a page that changes with each visit, and the files of a directory.

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Instant, SystemTime};

use crate::request::Request;
use crate::response::{Response, Status};

/// A page at `/`, and files at `/files/`.
#[derive(Debug)]
pub struct Site {
    files: PathBuf,
    begun: Instant,
    visits: Mutex<u64>,
}

impl Site {
    /// A site that nobody has visited yet, with the files of this directory.
    pub fn new(files: PathBuf) -> Self {
        Self { files, begun: Instant::now(), visits: Mutex::new(0) }
    }

    /// Answers one request.
    pub(crate) fn answer(&self, request: &Request) -> Response {
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return Response::text(Status::MethodNotAllowed);
        }
        match request.path.strip_prefix("/files/") {
            Some(name) => self.file(Path::new(name)),
            None if request.path == "/" => self.page(),
            None => Response::text(Status::NotFound),
        }
    }

    fn page(&self) -> Response {
        let visits = self.count();
        let body = format!(
            "<!doctype html>\n<title>std-web</title>\n\
             <p>It is {}.\n<p>This is visit {visits} in {} s, answered by {}.\n<p><a href=\"/files/notes.txt\">A file</a>\n",
            httpdate::fmt_http_date(SystemTime::now()),
            self.begun.elapsed().as_secs(),
            thread::current().name().unwrap_or("a thread without a name"),
        );
        Response { status: Status::Ok, media_type: "text/html; charset=utf-8", body: body.into() }
    }

    /// Counts a visit, and tells how many there were.
    fn count(&self) -> u64 {
        let mut visits = self.visits.lock().unwrap_or_else(PoisonError::into_inner);
        *visits += 1;
        *visits
    }

    fn file(&self, name: &Path) -> Response {
        if !name.components().all(|part| matches!(part, Component::Normal(_))) {
            return Response::text(Status::NotFound);
        }
        match fs::read(self.files.join(name)) {
            Ok(body) => Response { status: Status::Ok, media_type: media_type(name), body },
            Err(error) => Response::text(match error.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory => Status::NotFound,
                _ => Status::InternalServerError,
            }),
        }
    }
}

fn media_type(name: &Path) -> &'static str {
    match name.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(site: &Site, method: &str, path: &str) -> (Status, String) {
        let request = Request { method: method.into(), path: path.into(), keep_alive: true };
        let response = site.answer(&request);
        (response.status, String::from_utf8(response.body).unwrap())
    }

    #[test]
    fn each_visit_is_counted() {
        let site = Site::new("www".into());
        assert!(answer(&site, "GET", "/").1.contains("This is visit 1 "));
        assert!(answer(&site, "GET", "/").1.contains("This is visit 2 "));
    }

    #[test]
    fn files_are_those_of_the_directory_alone() {
        let site = Site::new("www".into());
        assert_eq!(
            answer(&site, "GET", "/files/notes.txt"),
            (Status::Ok, fs::read_to_string("www/notes.txt").unwrap())
        );
        for path in ["/files/", "/files/absent", "/files/../Cargo.toml", "/files//etc/passwd", "/elsewhere"] {
            assert_eq!(answer(&site, "GET", path).0, Status::NotFound, "{path}");
        }
    }

    #[test]
    fn other_methods_are_not_for_files() {
        assert_eq!(answer(&Site::new("www".into()), "DELETE", "/").0, Status::MethodNotAllowed);
    }
}
