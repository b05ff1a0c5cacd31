//! What this machine is.

use std::ffi::CStr;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::Serialize;

/// Processor, memory, system.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) features: Vec<&'static str>,
    /// How the system chooses the clock, if it says so.
    pub(crate) governor: Option<String>,
    /// Bytes of memory, and of those how many are free to be used.
    pub(crate) memory: Option<(u64, u64)>,
    pub(crate) kernel: String,
    pub(crate) glibc: String,
    pub(crate) jvm: Option<Jvm>,
}

/// The Java that a host of ours would run on.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Jvm {
    pub(crate) program: PathBuf,
    pub(crate) version: String,
    /// The number that counts, such as 17.
    pub(crate) feature: Option<u32>,
}

impl Machine {
    pub(crate) fn look() -> Self {
        let text = |path: &str| fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default();
        let cpus = text("/proc/cpuinfo");
        let cpu = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':')).map(|(_, name)| name.trim().to_owned());
        let governor = text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
        // SAFETY: the version is a static string.
        let glibc = unsafe { CStr::from_ptr(libc::gnu_get_libc_version()) };
        Self {
            cpu: cpu.unwrap_or_else(|| "unknown".into()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            features: features(),
            governor: Some(governor).filter(|governor| !governor.is_empty()),
            memory: memory(&text("/proc/meminfo")),
            kernel: text("/proc/sys/kernel/osrelease"),
            glibc: glibc.to_string_lossy().into_owned(),
            jvm: jvm(),
        }
    }
}

fn features() -> Vec<&'static str> {
    let found = [
        ("sse4.2", is_x86_feature_detected!("sse4.2")),
        ("avx", is_x86_feature_detected!("avx")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
    ];
    found.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect()
}

/// From `/proc/meminfo`.
fn memory(text: &str) -> Option<(u64, u64)> {
    let of = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim_start_matches(':').trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
    };
    Some((of("MemTotal")?, of("MemAvailable")?))
}

/// The one of JAVA_HOME, else the one on the path.
fn jvm() -> Option<Jvm> {
    let program = std::env::var_os("JAVA_HOME").map_or_else(|| "java".into(), |home| PathBuf::from(home).join("bin/java"));
    let output = Command::new(&program).arg("-version").stdin(Stdio::null()).output().ok()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let version = said.lines().find(|line| line.contains("version"))?.to_owned();
    Some(Jvm { program, feature: feature(&version), version })
}

/// `openjdk version "17.0.9"` is 17, `java version "1.8.0"` is 8.
fn feature(version: &str) -> Option<u32> {
    let mut numbers = version.split('"').nth(1)?.split(['.', '-', '+', '_']);
    match numbers.next()?.parse().ok()? {
        1 => numbers.next()?.parse().ok(),
        number => Some(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_systems_say() {
        assert_eq!(feature("openjdk version \"17.0.9\" 2023-10-17"), Some(17));
        assert_eq!(feature("java version \"1.8.0_392\""), Some(8));
        assert_eq!(feature("openjdk version \"21-ea\""), Some(21));
        assert_eq!(memory("MemTotal:       2 kB\nMemFree: 7 kB\nMemAvailable:  1 kB\n"), Some((2048, 1024)));
    }
}
