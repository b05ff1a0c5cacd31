//! The thread that listens.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;

use super::command::{Answer, Command};
use super::place::Place;
use super::verbs::carry_out;
use crate::error::{Error, ErrorKind, Result};
use crate::params::Store;

/// How long a client may take over its line, and over reading the answer: the next one waits meanwhile.
const PATIENCE: Duration = Duration::from_secs(2);
/// The bytes of a request.
const LONGEST: u64 = 64 << 10;

/// The open servers by their folder. A folder has one writer, so all trainers of a folder in this process share its store. The lock is
/// held while a socket's file comes or goes.
static SERVERS: Mutex<Vec<(PathBuf, Weak<Server>)>> = Mutex::new(Vec::new());

/// Listens as long as it lives.
#[derive(Debug)]
pub(crate) struct Server {
    stores: Arc<Stores>,
    place: Place,
    /// Ends the thread.
    end: UnixStream,
    thread: Option<JoinHandle<()>>,
}

/// Ways to the store: each trainer has its own.
type Stores = Mutex<Vec<Weak<dyn Store>>>;

/// Listens for a store whose folder is on this machine; that it cannot is no reason not to learn, and in the log.
pub(crate) fn serve(store: &Arc<dyn Store>) -> Option<Arc<Server>> {
    let folder = store.local_folder()?;
    match join(store, folder) {
        Ok(server) => Some(server),
        Err(error) => {
            tracing::warn!(%error, folder = %folder.display(), "no command of another process will reach this trainer");
            None
        }
    }
}

fn join(store: &Arc<dyn Store>, folder: &Path) -> io::Result<Arc<Server>> {
    let folder = folder.canonicalize()?;
    let mut servers = SERVERS.lock();
    servers.retain(|(_, server)| server.strong_count() > 0);
    if let Some(server) = servers.iter().find(|(at, _)| *at == folder).and_then(|(_, server)| server.upgrade()) {
        let mut stores = server.stores.lock();
        stores.retain(|store| store.strong_count() > 0);
        stores.push(Arc::downgrade(store));
        drop(stores);
        return Ok(server);
    }
    let server = Arc::new(Server::new(store, &folder)?);
    servers.push((folder, Arc::downgrade(&server)));
    Ok(server)
}

impl Server {
    fn new(store: &Arc<dyn Store>, folder: &Path) -> io::Result<Self> {
        let (listener, place) = Place::bind(folder)?;
        let stores = Arc::new(Mutex::new(vec![Arc::downgrade(store)]));
        let served = stores.clone();
        // The same socket by another type, which can be shut down.
        let end = listener.try_clone().map(OwnedFd::from).map(UnixStream::from);
        let spawn = |listener| thread::Builder::new().name("streamgrad-control".into()).spawn(move || listen(&listener, &served));
        match end.and_then(|end| Ok((end, spawn(listener)?))) {
            Ok((end, thread)) => Ok(Self { stores, place, end, thread: Some(thread) }),
            Err(error) => {
                place.remove();
                Err(error)
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.end.shutdown(Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            // It catches its panics.
            let _ = thread.join();
        }
        let _changing = SERVERS.lock();
        self.place.remove();
    }
}

fn listen(listener: &UnixListener, stores: &Stores) {
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                if let Err(error) = answer(&stream, stores) {
                    tracing::debug!(%error, "a client of the control socket went away");
                }
            }
            // Shut down.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => return,
            Err(error) => {
                tracing::warn!(%error, "the control socket fails");
                thread::sleep(PATIENCE);
            }
        }
    }
}

fn answer(mut stream: &UnixStream, stores: &Stores) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    let answer = match BufReader::new(stream.take(LONGEST)).read_line(&mut line) {
        Ok(0) => return Ok(()),
        Ok(_) => reply(&line, stores),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => reply("not UTF-8", stores),
        Err(error) => return Err(error),
    };
    let mut bytes = serde_json::to_vec(&answer)?;
    bytes.push(b'\n');
    stream.write_all(&bytes)
}

fn reply(line: &str, stores: &Stores) -> Answer {
    let outcome = catch_unwind(AssertUnwindSafe(|| obey(line, stores)))
        .unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "obey", "a defect of this library ended the command midway")));
    match outcome {
        Ok(reply) => Answer::Ok(Box::new(reply)),
        Err(error) => Answer::Error { kind: error.kind(), message: error.to_string() },
    }
}

fn obey(line: &str, stores: &Stores) -> Result<super::Reply> {
    let command: Command = serde_json::from_str(line)
        .map_err(|error| Error::input("read command", r#"send one line such as {"command":"status"}"#).with_source(error))?;
    let store = stores.lock().iter().find_map(Weak::upgrade);
    let store = store.ok_or_else(|| Error::new(ErrorKind::Closed, "obey", "the trainer is being closed"))?;
    tracing::info!(?command, "a command came by the control socket");
    carry_out(&*store, &command)
}
