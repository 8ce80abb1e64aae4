//! Stands in for the crate `crc-fast` in this workspace's builds: the three checksums that S3 knows and
//! `aws-smithy-checksums` asks for, computed by `crc32fast` and `crc`. It offers nothing else of that crate.
//!
//! The original keeps a table for each of some fifty checksums (`src/tables.rs`), of which the linker can drop none,
//! since one function picks among them: 660 kB of random numbers, a seventh of the archive that Lambda fetches at every
//! cold start. See `benches/README.md`.

use crc::{Crc, Table};

/// CRC-32C (iSCSI), the checksum `CRC32C` of S3.
static CRC_32C: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&crc::CRC_32_ISCSI);
/// CRC-64/NVME, the checksum `CRC64NVME` of S3, with which it stores an object that came without one.
static CRC_64_NVME: Crc<u64, Table<1>> = Crc::<u64, Table<1>>::new(&crc::CRC_64_NVME);

/// The checksums that S3 knows (`ChecksumAlgorithm` in its API model).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrcAlgorithm {
    /// `CRC32`.
    Crc32IsoHdlc,
    /// `CRC32C`.
    Crc32Iscsi,
    /// `CRC64NVME`.
    Crc64Nvme,
}

/// A checksum of bytes that come one after the other.
#[derive(Clone)]
pub struct Digest(State);

#[derive(Clone)]
enum State {
    Crc32IsoHdlc(crc32fast::Hasher),
    Crc32Iscsi(crc::Digest<'static, u32, Table<1>>),
    Crc64Nvme(crc::Digest<'static, u64, Table<1>>),
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            State::Crc32IsoHdlc(_) => "Digest(Crc32IsoHdlc)",
            State::Crc32Iscsi(_) => "Digest(Crc32Iscsi)",
            State::Crc64Nvme(_) => "Digest(Crc64Nvme)",
        })
    }
}

impl Digest {
    /// The checksum of nothing yet.
    pub fn new(algorithm: CrcAlgorithm) -> Self {
        Self(match algorithm {
            CrcAlgorithm::Crc32IsoHdlc => State::Crc32IsoHdlc(crc32fast::Hasher::new()),
            CrcAlgorithm::Crc32Iscsi => State::Crc32Iscsi(CRC_32C.digest()),
            CrcAlgorithm::Crc64Nvme => State::Crc64Nvme(CRC_64_NVME.digest()),
        })
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Crc32IsoHdlc(state) => state.update(bytes),
            State::Crc32Iscsi(state) => state.update(bytes),
            State::Crc64Nvme(state) => state.update(bytes),
        }
    }

    /// The checksum of all bytes; one of 32 bits stands in the lower half.
    pub fn finalize(self) -> u64 {
        match self.0 {
            State::Crc32IsoHdlc(state) => state.finalize().into(),
            State::Crc32Iscsi(state) => state.finalize().into(),
            State::Crc64Nvme(state) => state.finalize(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the catalogue (<https://reveng.sourceforge.io/crc-catalogue/all.htm>).
    #[test]
    fn the_checksums_are_those_of_the_catalogue_however_the_bytes_come() {
        for (algorithm, check) in [
            (CrcAlgorithm::Crc32IsoHdlc, 0xcbf4_3926),
            (CrcAlgorithm::Crc32Iscsi, 0xe306_9283),
            (CrcAlgorithm::Crc64Nvme, 0xae8b_1486_0a79_9888),
        ] {
            for cut in 0..=9 {
                let (before, after) = b"123456789".split_at_checked(cut).unwrap();
                let mut digest = Digest::new(algorithm);
                digest.update(before);
                digest.update(after);
                assert_eq!(digest.finalize(), check, "{algorithm:?}, cut at {cut}");
            }
        }
    }
}
