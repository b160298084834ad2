//! The page for people who open the exporter in a browser.

/// The page, with a link to the metrics at `telemetry_path`.
pub(super) fn page(telemetry_path: &str) -> Vec<u8> {
    let version = env!("CARGO_PKG_VERSION");
    let path = escape(telemetry_path);
    format!(
        "<!DOCTYPE html>\n\
         <html lang=\"en\">\n\
         <head>\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>promlet</title>\n\
         <style>\n\
         :root {{ color-scheme: light dark; }}\n\
         body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 38rem; margin: 12vh auto; \
         padding: 0 1rem; }}\n\
         h1 {{ margin-bottom: 0; }}\n\
         small {{ font-size: .5em; font-weight: normal; opacity: .7; }}\n\
         ul {{ padding-left: 1.2rem; }}\n\
         li {{ margin: .3rem 0; }}\n\
         code {{ font-size: .95em; }}\n\
         </style>\n\
         </head>\n\
         <body>\n\
         <h1>promlet <small>{version}</small></h1>\n\
         <p>A Prometheus exporter for applications and the node they run on.</p>\n\
         <ul>\n\
         <li><a href=\"{path}\"><code>{path}</code></a>: the metrics, for Prometheus to scrape</li>\n\
         <li><a href=\"/-/healthy\"><code>/-/healthy</code></a>: 200 while promlet answers</li>\n\
         <li><a href=\"/-/ready\"><code>/-/ready</code></a>: 200 when it can be scraped</li>\n\
         </ul>\n\
         </body>\n\
         </html>\n"
    )
    .into_bytes()
}

/// `text` as HTML text and attribute values show it.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_cannot_break_the_page() {
        let page = String::from_utf8(page("/a\"><script>&")).unwrap();
        assert!(page.contains("<a href=\"/a&quot;&gt;&lt;script&gt;&amp;\">"), "{page}");
    }
}
