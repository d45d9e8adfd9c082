// tandem - log_file: lines with checksums, appended to a file that may end torn
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_set>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI::detail {

/// FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/): tells a torn line from a whole one.
inline std::uint64_t fnv1a(std::string_view text) noexcept {
    std::uint64_t hash = 14695981039346656037u;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    return hash;
}

/// "<checksum, 16 hexadecimal digits> <key>\n"; a newline in the key is written as \n, a backslash as \\.
inline void append_line(std::string& to, std::string_view key) {
    std::array<char, 18> checksum;
    std::snprintf(checksum.data(), checksum.size(), "%016llx ", static_cast<unsigned long long>(fnv1a(key)));
    to.append(checksum.data(), 17);
    for (const char c : key) {
        if (c == '\n') {
            to += "\\n";
        } else if (c == '\\') {
            to += "\\\\";
        } else {
            to += c;
        }
    }
    to += '\n';
}

/// The key of a line without its newline; empty if the line is damaged.
inline std::optional<std::string> key_of_line(std::string_view line) {
    if (line.size() < 17 || line[16] != ' ') return std::nullopt;
    std::string key;
    for (std::size_t i = 17; i < line.size(); ++i) {
        const bool escaped = line[i] == '\\' && ++i < line.size();
        if (i < line.size()) key += escaped && line[i] == 'n' ? '\n' : line[i];
    }
    std::string whole;
    append_line(whole, key);
    return whole.substr(0, whole.size() - 1) == line ? std::optional(std::move(key)) : std::nullopt;
}

/// Whether a file without a whole line can be a log: the first line is torn, or a crash left zeros of it.
inline bool begins_as_log(std::string_view text) noexcept {
    const std::string_view checksum = text.substr(0, 16);
    return checksum.find_first_not_of("0123456789abcdef") == text.npos || text.front() == '\0';
}

/// An open file, locked against others, written at its end only.
class log_file {
public:
    explicit log_file(std::string path) : path_(std::move(path)) {
        descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (descriptor_ < 0) fail("cannot be opened; check the folder and its permissions");
        if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
            const int reason = errno;
            ::close(descriptor_);
            errno = reason;
            fail(reason == EWOULDBLOCK ? "is in use by another process; wait for it, or give each its own log"
                                       : "cannot be locked; put it on a disk of this machine");
        }
        sync_folder();
    }
    log_file(const log_file&) = delete;
    log_file& operator=(const log_file&) = delete;
    ~log_file() { ::close(descriptor_); }

    /// All keys in the file. A last line that was torn by a crash is cut off, so that the next one starts
    /// a line of its own; damaged lines before it are counted and left. Nothing of a file that is no log is
    /// touched, and only a regular file is read: others end never, or wait.
    std::unordered_set<std::string> read_keys() {
        const std::string text = is_regular() ? read_all() : std::string();
        std::unordered_set<std::string> keys;
        std::size_t begin = 0;
        for (std::size_t end; (end = text.find('\n', begin)) != text.npos; begin = end + 1) {
            std::optional<std::string> key = key_of_line(std::string_view(text).substr(begin, end - begin));
            if (key) {
                keys.insert(std::move(*key));
            } else {
                ++damaged_;
            }
        }
        if (keys.empty() && !begins_as_log(text)) {
            errno = EINVAL;
            fail("is a file of another kind, and would be spoilt; give the log a file of its own");
        }
        if (begin == text.size()) return keys;
        ++damaged_;
        if (::ftruncate(descriptor_, static_cast<::off_t>(begin)) != 0) fail("cannot be repaired");
        return keys;
    }

    /// Blocks. May be called from any thread, by one at a time.
    void append(const std::string& lines, bool sync) {
        if (!write_all(lines)) fail("cannot be written; is the disk full?");
        if (sync && ::fsync(descriptor_) != 0) fail("cannot be synced to the disk");
    }
    void write_quietly(const std::string& lines) noexcept { static_cast<void>(write_all(lines)); }

    std::size_t damaged_lines() const noexcept { return damaged_; }

private:
    [[noreturn]] void fail(const char* what) const {
        throw std::system_error(errno, std::generic_category(),
                                "tandem::done_log: \"" + path_ + "\" " + what);
    }

    bool is_regular() const noexcept {
        struct ::stat about;
        return ::fstat(descriptor_, &about) == 0 && S_ISREG(about.st_mode);
    }
    /// The name of a file that is new is kept by its folder, and no sync of the file keeps that.
    void sync_folder() const noexcept {
        struct ::stat about;
        if (::fstat(descriptor_, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size != 0) return;
        const std::size_t name = path_.rfind('/') + 1;  // 0 without a folder
        const int folder =
            ::open(name == 0 ? "." : path_.substr(0, name).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0) return;  // one may write to what one may not read: then the machine decides
        ::fsync(folder);
        ::close(folder);
    }
    std::string read_all() const {
        std::string text;
        std::array<char, 65536> buffer;
        for (;;) {
            const ::ssize_t n = ::read(descriptor_, buffer.data(), buffer.size());
            if (n > 0) text.append(buffer.data(), static_cast<std::size_t>(n));
            if (n == 0) return text;
            if (n < 0 && errno != EINTR) fail("cannot be read");
        }
    }

    bool write_all(std::string_view lines) noexcept {
        while (!lines.empty()) {
            const ::ssize_t n = ::write(descriptor_, lines.data(), lines.size());
            if (n < 0 && errno != EINTR) return false;
            lines.remove_prefix(static_cast<std::size_t>(std::max<::ssize_t>(n, 0)));
        }
        return true;
    }

    std::string path_;
    int descriptor_ = -1;
    std::size_t damaged_ = 0;
};

}  // namespace tandem::inline TANDEM_ABI::detail
