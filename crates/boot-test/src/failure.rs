use std::fmt;
use std::io;

/// Why a check did not hold.
#[derive(Debug)]
pub enum Failure {
    /// `run` could not be started.
    Start(io::Error),
    /// A disk could not be copied.
    Disk(io::Error),
    /// What is typed at the console could not be given to `run`.
    Input(io::Error),
    /// The image ended while something was still expected of it.
    Ended {
        /// Its exit status; 128 + n where signal n ended it.
        status: i32,
    },
    /// The image ended with another status than expected.
    ExitStatus {
        /// What it ended with.
        got: i32,
        /// What the scenario says.
        wanted: i32,
    },
    /// The scenario's time was over.
    TimedOut {
        /// What was waited for.
        waiting_for: String,
    },
    /// The image's console ended without the text.
    NotShown,
    /// A text that must not appear did, in this line.
    Shown(String),
    /// The transcript that is compared cannot be read.
    NoTranscript(io::Error),
    /// The console differs from a transcript, in these lines.
    Transcript(Vec<String>),
    /// `run` announced no address for a service.
    NoAddress {
        /// Name of the service, for example `http`.
        service: String,
    },
    /// The client did not get an answer: curl's words, or the socket's.
    Client(String),
    /// An answer that is not HTTP, or not as the own client understands it.
    NotHttp(String),
    /// Another status than expected.
    Status {
        /// Status of the answer.
        got: u16,
        /// What the scenario says.
        wanted: u16,
    },
    /// A header with another value, or none.
    Header {
        /// Name as in the scenario.
        name: String,
        /// Value in the answer.
        got: Option<String>,
        /// What the scenario says.
        wanted: String,
    },
    /// A body of another length, in bytes.
    Length {
        /// Length of the answer's body.
        got: u64,
        /// What was expected.
        wanted: u64,
    },
    /// A body that came whole though its server was asked to end in the middle of it.
    NotCut,
    /// A body of the wrong bytes.
    Digest {
        /// SHA-256 of the answer's body, in hexadecimal.
        got: String,
        /// What the scenario says.
        wanted: String,
    },
    /// A body without the expected text.
    Text {
        /// What the scenario says.
        wanted: String,
    },
    /// A service answered other bytes.
    Received {
        /// What it answered, as far as it was read.
        got: String,
        /// What the scenario says.
        wanted: String,
    },
    /// `run` could not be asked to end.
    Stop(io::Error),
    /// The image's symbols cannot be read, and why.
    Symbols(String),
    /// The backtrace lacks a function, or it is not behind the one before.
    Frame {
        /// What the scenario says.
        wanted: String,
        /// The functions of the backtrace.
        got: Vec<String>,
    },
    /// One request of a load failed.
    Load {
        /// Which one, counted from 1.
        request: u32,
        /// Why.
        cause: Box<Failure>,
    },
}

impl Failure {
    /// A socket's error; one that was only slow is time that was over.
    pub(crate) fn from_socket(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::late("an answer"),
            _ => Self::Client(error.to_string()),
        }
    }

    pub(crate) fn late(waiting_for: &str) -> Self {
        Self::TimedOut { waiting_for: waiting_for.into() }
    }

    /// Whether time was over, rather than anything wrong.
    pub(crate) fn is_late(&self) -> bool {
        matches!(self, Self::TimedOut { .. })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(error) => write!(f, "run did not start: {error}"),
            Self::Disk(error) => write!(f, "a disk cannot be copied: {error}"),
            Self::Input(error) => write!(f, "run does not take it: {error}"),
            Self::Ended { status } => write!(f, "the image ended before, with status {status}"),
            Self::ExitStatus { got, wanted } => write!(f, "ended with status {got}, wanted {wanted}"),
            Self::TimedOut { waiting_for } => write!(f, "time was over waiting for {waiting_for}"),
            Self::NotShown => write!(f, "the console ended without it"),
            Self::Shown(line) => write!(f, "the console shows {line:?}"),
            Self::NoTranscript(error) => write!(f, "the transcript cannot be read: {error}"),
            Self::Transcript(differences) => {
                write!(f, "it differs, - expected, + shown:")?;
                differences.iter().try_for_each(|line| write!(f, "\n    {line}"))
            }
            Self::NoAddress { service } => write!(f, "run announced no {service}:// address"),
            Self::Client(words) => write!(f, "{words}"),
            Self::NotHttp(words) => write!(f, "not an HTTP answer: {words}"),
            Self::Status { got, wanted } => write!(f, "status {got}, wanted {wanted}"),
            Self::Header { name, got: Some(got), wanted } => {
                write!(f, "header {name} is {got:?}, wanted {wanted:?}")
            }
            Self::Header { name, got: None, wanted } => write!(f, "no header {name}, wanted {wanted:?}"),
            Self::Length { got, wanted } => write!(f, "{got} bytes of body, wanted {wanted}"),
            Self::NotCut => write!(f, "the body came whole"),
            Self::Digest { got, wanted } => write!(f, "body has sha256 {got}, wanted {wanted}"),
            Self::Text { wanted } => write!(f, "body lacks {wanted:?}"),
            Self::Received { got, wanted } => write!(f, "received {got:?}, wanted {wanted:?}"),
            Self::Stop(error) => write!(f, "run was not asked to end: {error}"),
            Self::Symbols(words) => write!(f, "no symbols: {words}"),
            Self::Frame { wanted, got } => write!(f, "the backtrace lacks {wanted:?}; it is {got:?}"),
            Self::Load { request, cause } => write!(f, "request {request}: {cause}"),
        }
    }
}

impl std::error::Error for Failure {}
