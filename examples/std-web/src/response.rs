//! What is sent back (RFC 9112, section 4).

use std::time::SystemTime;

/// How a request came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// 200: the body is what was asked for.
    Ok,
    /// 400: that was no request.
    BadRequest,
    /// 404: there is no such file.
    NotFound,
    /// 405: only `GET` and `HEAD` are for files.
    MethodNotAllowed,
    /// 500: a file is there, and could not be read.
    InternalServerError,
}

impl Status {
    fn line(self) -> &'static str {
        match self {
            Self::Ok => "200 OK",
            Self::BadRequest => "400 Bad Request",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::InternalServerError => "500 Internal Server Error",
        }
    }
}

/// A status, and a body with its media type.
#[derive(Debug)]
pub struct Response {
    /// How the request came out.
    pub status: Status,
    /// Media type of the body.
    pub media_type: &'static str,
    /// What `GET` receives.
    pub body: Vec<u8>,
}

impl Response {
    /// A status that stands for itself.
    pub fn text(status: Status) -> Self {
        Self { status, media_type: "text/plain; charset=utf-8", body: format!("{}\n", status.line()).into() }
    }

    /// The whole of it as it is sent; `without_body` answers `HEAD`.
    pub fn bytes(&self, keep_alive: bool, without_body: bool) -> Vec<u8> {
        let mut bytes = format!(
            "HTTP/1.1 {}\r\nDate: {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}Connection: {}\r\n\r\n",
            self.status.line(),
            httpdate::fmt_http_date(SystemTime::now()),
            self.media_type,
            self.body.len(),
            if self.status == Status::MethodNotAllowed { "Allow: GET, HEAD\r\n" } else { "" },
            if keep_alive { "keep-alive" } else { "close" },
        )
        .into_bytes();
        if !without_body {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_tells_the_length_of_what_it_does_not_bring() {
        let response = Response { status: Status::Ok, media_type: "text/plain", body: b"four".to_vec() };
        let whole = String::from_utf8(response.bytes(true, false)).unwrap();
        let head = String::from_utf8(response.bytes(false, true)).unwrap();
        assert!(
            whole.starts_with("HTTP/1.1 200 OK\r\n") && whole.ends_with("Connection: keep-alive\r\n\r\nfour"),
            "{whole}"
        );
        assert!(
            head.contains("Content-Length: 4\r\n") && head.ends_with("Connection: close\r\n\r\n"),
            "{head}"
        );
    }
}
