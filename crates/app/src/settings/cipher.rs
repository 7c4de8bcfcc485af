//! The encryption of stored settings, as PocketBase's `--encryptionEnv` does it: AES-256-GCM under the 32 bytes of the
//! key, a random 12 byte nonce before the ciphertext, all in base64.

use aes_gcm::aead::{Aead as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::RngExt as _;

const NONCE: usize = 12;

/// `plain` encrypted under `key`; `None` where the key is not 32 bytes long.
pub(super) fn encrypt(plain: &[u8], key: &str) -> Option<String> {
    let cipher = Aes256Gcm::new_from_slice(key.as_bytes()).ok()?;
    let nonce: [u8; NONCE] = rand::rng().random();
    let sealed = cipher.encrypt(&Nonce::from(nonce), plain).ok()?;
    let mut whole = nonce.to_vec();
    whole.extend(sealed);
    Some(STANDARD.encode(whole))
}

/// What `text` was before it was encrypted under `key`; `None` where it was not, or was tampered with.
pub(super) fn decrypt(text: &str, key: &str) -> Option<Vec<u8>> {
    let cipher = Aes256Gcm::new_from_slice(key.as_bytes()).ok()?;
    let whole = STANDARD.decode(text.trim()).ok()?;
    let (nonce, sealed) = whole.split_first_chunk::<NONCE>()?;
    cipher.decrypt(&Nonce::from(*nonce), sealed).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn only_the_same_key_reads_it_again() {
        let text = encrypt(b"{}", KEY).unwrap();
        assert_eq!(decrypt(&text, KEY).unwrap(), b"{}");
        assert_eq!(decrypt(&text, &KEY.to_uppercase()), None);
        assert_ne!(text, encrypt(b"{}", KEY).unwrap(), "no nonce is used twice");
        assert_eq!(encrypt(b"{}", "short"), None);
        assert_eq!(decrypt("not base64!", KEY), None);
        assert_eq!(decrypt("", KEY), None);
    }
}
