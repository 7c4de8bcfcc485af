//! Where a bucket is and who we are there.

use std::fmt;

use url::{Host, Url};

use crate::error::{Error, ErrorKind, Result};

/// What names a bucket and gives access to it, as PocketBase's settings have it.
#[derive(Clone, PartialEq, Eq)]
pub struct BucketConfig {
    /// The bucket's name.
    pub bucket: String,
    /// Its region, as the provider calls it (`us-east-1`, `auto`).
    pub region: String,
    /// The provider's address, with or without `https://`; `http://` is taken as it is.
    pub endpoint: String,
    /// The access key.
    pub access_key: String,
    /// The secret that belongs to it.
    pub secret: String,
    /// `true`: the bucket is named in the path; `false`: in front of the host.
    pub force_path_style: bool,
}

impl fmt::Debug for BucketConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BucketConfig")
            .field("bucket", &self.bucket)
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .field("force_path_style", &self.force_path_style)
            .finish_non_exhaustive()
    }
}

impl BucketConfig {
    /// Which bucket it is, without who asks: `https://host/bucket`.
    #[must_use]
    pub fn place(&self) -> String {
        let (scheme, host) = self.address();
        format!("{scheme}://{host}/{}", self.bucket.trim())
    }

    /// The same for people: `bucket NAME at https://host`, without a name and password that somebody put in the
    /// address.
    #[must_use]
    pub fn shown(&self) -> String {
        let (scheme, host) = self.address();
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        format!("bucket {} at {scheme}://{host}", self.bucket.trim())
    }

    /// The endpoint's scheme and what follows it.
    fn address(&self) -> (&str, &str) {
        let endpoint = self.endpoint.trim();
        let (scheme, host) = endpoint.split_once("://").unwrap_or(("https", endpoint));
        (scheme, host.trim_end_matches('/'))
    }

    /// What to look at where the host of `base` has no address.
    pub(crate) fn advice(&self, base: &Url) -> String {
        let host = base.host_str().unwrap_or_default();
        match self.force_path_style {
            true => format!("the name is {host}"),
            false => format!(
                "the name is {host}; where the provider has no name for each bucket, set forcePathStyle to true"
            ),
        }
    }

    /// What to look at where the host does not speak TLS.
    pub(crate) fn advice_on_tls(&self) -> &'static str {
        match self.endpoint.contains("://") {
            true => "does the storage speak plain HTTP there? Then the endpoint begins with http://",
            false => {
                "the endpoint names no scheme, so it is asked by https; write http:// in front of it for a storage without TLS"
            }
        }
    }

    /// Whether requests can be made of it at all; nobody is asked.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] with what of the bucket's name or the endpoint makes no sense.
    pub fn require_usable(&self) -> Result<()> {
        self.base().map(drop)
    }

    /// The URL that stands in front of every key, without a slash at its end.
    pub(crate) fn base(&self) -> Result<Url> {
        let invalid = |why: &str| Error::new(ErrorKind::Config, format!("the S3 endpoint is not usable: {why}"));
        let bucket = self.bucket.trim();
        if bucket.is_empty() || bucket.contains(['/', '?', '#', '\\']) {
            return Err(Error::new(ErrorKind::Config, "the bucket's name is not usable"));
        }
        if self.address().1.is_empty() {
            return Err(invalid("it names no host"));
        }
        let mut url = Url::parse(&self.place()).map_err(|error| invalid(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(invalid("it is no http or https address"));
        }
        // What follows would be part of it, and every request would go to one address of somebody else's choosing.
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("it must end before a ? or #"));
        }
        let is_address = !matches!(url.host(), Some(Host::Domain(_)));
        if !self.force_path_style && is_address {
            return Err(invalid(
                "its host is an IP address, which has no names below it: set forcePathStyle to true",
            ));
        }
        if !self.force_path_style {
            let host = format!("{bucket}.{}", url.host_str().unwrap_or_default());
            url.set_host(Some(&host)).map_err(|error| invalid(&error.to_string()))?;
            let path = url.path().trim_end_matches(bucket).trim_end_matches('/').to_owned();
            url.set_path(&path);
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(endpoint: &str, force_path_style: bool) -> BucketConfig {
        BucketConfig {
            bucket: "b1".to_owned(),
            region: "r".to_owned(),
            endpoint: endpoint.to_owned(),
            access_key: "the-access-key".to_owned(),
            secret: "the-secret".to_owned(),
            force_path_style,
        }
    }

    #[test]
    fn a_bucket_is_named_in_the_path_or_in_the_host() {
        for (endpoint, path_style, base) in [
            ("https://s3.example.com", true, "https://s3.example.com/b1"),
            ("s3.example.com/", true, "https://s3.example.com/b1"),
            ("http://127.0.0.1:9000", true, "http://127.0.0.1:9000/b1"),
            ("https://s3.example.com", false, "https://b1.s3.example.com/"),
            ("http://localhost:9000/", false, "http://b1.localhost:9000/"),
        ] {
            assert_eq!(
                config(endpoint, path_style).base().unwrap().as_str(),
                base,
                "{endpoint}"
            );
        }
        for endpoint in [
            "",
            "ftp://x",
            "https://",
            "http://[::1",
            "http://x/admin?a=",
            "http://x/#",
        ] {
            assert_eq!(
                config(endpoint, true).base().unwrap_err().kind(),
                ErrorKind::Config,
                "{endpoint}"
            );
        }
    }

    #[test]
    fn an_ip_address_wants_the_bucket_in_the_path() {
        for endpoint in ["http://127.0.0.1:9000", "https://[::1]:9000"] {
            let told = config(endpoint, false).base().unwrap_err();
            assert_eq!(told.kind(), ErrorKind::Config);
            assert!(told.to_string().contains("set forcePathStyle to true"), "{told}");
            assert!(config(endpoint, true).base().is_ok());
        }
    }

    #[test]
    fn neither_key_is_shown() {
        let shown = format!("{:?}", config("s3.example.com", true));
        assert!(
            !shown.contains("the-secret") && !shown.contains("the-access-key"),
            "{shown}"
        );
        let told = config("https://somebody:the-password@s3.example.com/", true).shown();
        assert_eq!(told, "bucket b1 at https://s3.example.com");
    }
}
