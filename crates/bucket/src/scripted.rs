//! A provider for tests that answers what it is told to, one request after the other.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::bucket::{Bucket, Patience};
use crate::config::BucketConfig;
use crate::transport::Transport;

/// How an answer comes.
pub enum Answer {
    /// At once.
    Whole(String),
    /// A piece at a time, so long after one another.
    Slowly(String, Duration),
    /// Half of it, and nothing more.
    Stalling(String),
}

/// A bucket at a provider that gives `answers`, and how many of them it gave. An answer may stand still for `stall`.
pub fn bucket(answers: Vec<Answer>, stall: Duration) -> (Bucket, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = BucketConfig {
        bucket: "b".to_owned(),
        region: "r".to_owned(),
        endpoint: format!("http://{}", listener.local_addr().unwrap()),
        access_key: "key".to_owned(),
        secret: "secret".to_owned(),
        force_path_style: true,
    };
    let given = Arc::new(AtomicUsize::new(0));
    let counted = given.clone();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let range = read_range(&mut stream);
            counted.fetch_add(1, Ordering::Relaxed);
            // A reader that has gone is what some tests are about.
            let _ = give(&mut stream, &answer, range);
            open.push(stream);
        }
        std::thread::sleep(Duration::from_secs(600));
    });
    let transport = Transport::shared().unwrap().stalling_after(stall);
    (Bucket::over(&transport, &config, Patience::Answer).unwrap(), given)
}

/// Reads a request; the first and the last byte that it asks for, where it asks for a range.
fn read_range(stream: &mut TcpStream) -> Option<(usize, usize)> {
    let (mut all, mut buffer) = (Vec::new(), [0; 1024]);
    while !all.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(read) if read > 0 => all.extend_from_slice(&buffer[..read]),
            _ => return None,
        }
    }
    let head = String::from_utf8_lossy(&all).to_lowercase();
    let (_, rest) = head.split_once("range: bytes=")?;
    let (first, last) = rest.lines().next()?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

fn give(stream: &mut TcpStream, answer: &Answer, range: Option<(usize, usize)>) -> std::io::Result<()> {
    let (Answer::Whole(text) | Answer::Slowly(text, _) | Answer::Stalling(text)) = answer;
    let (text, status) = match range {
        Some((first, last)) => (
            &text[first..=last],
            format!(
                "206 Partial Content\r\nContent-Range: bytes {first}-{last}/{}",
                text.len()
            ),
        ),
        None => (text.as_str(), "200 OK".to_owned()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nETag: \"e\"\r\nLast-Modified: Tue, 01 Jan 2030 00:00:00 GMT\r\n\
         Content-Length: {}\r\n\r\n",
        text.len()
    );
    stream.write_all(head.as_bytes())?;
    match answer {
        Answer::Whole(_) => stream.write_all(text.as_bytes()),
        Answer::Stalling(_) => stream.write_all(&text.as_bytes()[..text.len() / 2]),
        Answer::Slowly(_, pause) => text.as_bytes().chunks(text.len().div_ceil(10)).try_for_each(|piece| {
            std::thread::sleep(*pause);
            stream.write_all(piece)
        }),
    }
}
