#include "http/media.h"

#include "util/compiler.h"

static const struct {
    const char *extension, *type;
} types[] = {
    { "html", "text/html; charset=utf-8" },
    { "htm", "text/html; charset=utf-8" },
    { "js", "text/javascript; charset=utf-8" },
    { "mjs", "text/javascript; charset=utf-8" },
    { "css", "text/css; charset=utf-8" },
    { "svg", "image/svg+xml" },
    { "png", "image/png" },
    { "jpg", "image/jpeg" },
    { "jpeg", "image/jpeg" },
    { "webp", "image/webp" },
    { "avif", "image/avif" },
    { "gif", "image/gif" },
    { "ico", "image/x-icon" },
    { "bmp", "image/bmp" },
    { "tif", "image/tiff" },
    { "tiff", "image/tiff" },
    { "woff2", "font/woff2" },
    { "woff", "font/woff" },
    { "ttf", "font/ttf" },
    { "otf", "font/otf" },
    { "json", "application/json" },
    { "map", "application/json" },
    { "jsonld", "application/ld+json" },
    { "geojson", "application/geo+json" },
    { "webmanifest", "application/manifest+json" },
    { "wasm", "application/wasm" },
    { "txt", "text/plain; charset=utf-8" },
    { "log", "text/plain; charset=utf-8" },
    { "md", "text/markdown; charset=utf-8" },
    { "csv", "text/csv; charset=utf-8" },
    { "ics", "text/calendar; charset=utf-8" },
    { "vcf", "text/vcard; charset=utf-8" },
    { "xml", "application/xml" },
    { "rss", "application/rss+xml" },
    { "atom", "application/atom+xml" },
    { "xhtml", "application/xhtml+xml" },
    { "yaml", "application/yaml" },
    { "yml", "application/yaml" },
    { "pdf", "application/pdf" },
    { "epub", "application/epub+zip" },
    { "rtf", "application/rtf" },
    { "zip", "application/zip" },
    { "gz", "application/gzip" },
    { "tgz", "application/gzip" },
    { "br", "application/octet-stream" },
    { "zst", "application/zstd" },
    { "xz", "application/x-xz" },
    { "bz2", "application/x-bzip2" },
    { "tar", "application/x-tar" },
    { "7z", "application/x-7z-compressed" },
    { "doc", "application/msword" },
    { "xls", "application/vnd.ms-excel" },
    { "ppt", "application/vnd.ms-powerpoint" },
    { "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document" },
    { "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
    { "pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation" },
    { "odt", "application/vnd.oasis.opendocument.text" },
    { "ods", "application/vnd.oasis.opendocument.spreadsheet" },
    { "odp", "application/vnd.oasis.opendocument.presentation" },
    { "eml", "message/rfc822" },
    { "mp3", "audio/mpeg" },
    { "m4a", "audio/mp4" },
    { "ogg", "audio/ogg" },
    { "opus", "audio/ogg" },
    { "wav", "audio/wav" },
    { "flac", "audio/flac" },
    { "mp4", "video/mp4" },
    { "m4v", "video/mp4" },
    { "webm", "video/webm" },
    { "mov", "video/quicktime" },
    { "mkv", "video/x-matroska" },
};

const char *media_type_of(struct str name)
{
    const char *dot = name.n ? memrchr(name.p, '.', name.n) : NULL;

    if (dot) {
        struct str extension = str_make(dot + 1, name.n - (size_t)(dot - name.p) - 1);
        for (size_t i = 0; i < DW_COUNT_OF(types); i++) {
            if (str_equal_nocase(extension, str_from(types[i].extension)))
                return types[i].type;
        }
    }
    return "application/octet-stream";
}
