//! A version that was saved as a SavedModel, without a trainer.

use std::path::PathBuf;

use jni::objects::{JByteArray, JByteBuffer, JClass};
use jni::sys::jlong;
use jni::{Env, NativeMethod, native_method};

use super::buffer::{self, Direct};
use super::error::reply;
use super::native::Return;
use super::options::{common, pair, unknown};
use crate::bind::{Failure, Status};
use crate::export;
use crate::model::Opening;
use crate::snapshot::VersionId;

/// What `JNI_OnLoad` registers.
pub(super) const METHODS: &[NativeMethod] =
    &[native_method! { static fn saved_model_write(bundle: jbyte[], options: jbyte[], written: JByteBuffer, error: JByteBuffer) -> jlong }];

/// What Java's `SavedModel` says.
#[derive(Default)]
struct Wanted {
    opening: Opening,
    store: Option<PathBuf>,
    version: Option<VersionId>,
    folder: Option<PathBuf>,
}

impl Wanted {
    fn read(lines: &str) -> Result<Self, Failure> {
        let mut wanted = Self::default();
        for line in lines.lines() {
            match pair(line)? {
                (key, value) if common(&mut wanted.opening, key, value)? => {}
                ("store", value) => wanted.store = Some(value.into()),
                ("version", value) => wanted.version = Some(value.parse()?),
                ("folder", value) => wanted.folder = Some(value.into()),
                (key, _) => return Err(unknown(key)),
            }
        }
        Ok(wanted)
    }
}

fn saved_model_write(
    env: &mut Env<'_>,
    _class: JClass<'_>,
    bundle: JByteArray<'_>,
    options: JByteArray<'_>,
    written: JByteBuffer<'_>,
    error: JByteBuffer<'_>,
) -> Return<jlong> {
    let env = &*env;
    Ok(reply(env.into(), &error, || {
        let bundle = buffer::text(env, &bundle, "path")?;
        let Wanted { opening, store, version, folder } = Wanted::read(&buffer::text(env, &options, "options")?)?;
        let folder = folder.ok_or_else(|| Failure::new(Status::INVALID_INPUT, "name the folder to write to"))?;
        let written = Direct::of(env.into(), &written, "written")?.at_least(16)?;
        let version = export::kept(&opening, bundle.as_ref(), store.as_deref(), version, &folder)?;
        written.write(0, &version.lineage.number().to_le_bytes());
        written.write(8, &version.number.to_le_bytes());
        Ok(0)
    }))
}
