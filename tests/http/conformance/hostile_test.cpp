// tandem - conformance: malformed and hostile messages, through the parser, cut in every way
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/impl/parser.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "http/conformance/reading.hpp"

using namespace tandem_test;
using namespace std::string_literals;

namespace {

/// What a server sends, and what must become of it.
class row {
public:
    row(std::string text, std::string bytes, std::string result)
        : claim(std::move(text)), wire(std::move(bytes)), expected(std::move(result)) {}
    std::string claim;
    std::string wire;
    std::string expected;
};

void check_rows(const std::vector<row>& rows) {
    for (const row& r : rows) {
        DYNAMIC_SECTION(r.claim) { CHECK(result_of(r.wire) == r.expected); }
    }
}

const std::string ok = "HTTP/1.1 200 OK\r\n";
const std::string chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";

}  // namespace

TEST_CASE("hostile: smuggling by two framings", "[http][conformance][hostile][virtual]") {
    check_rows({
        row("a Transfer-Encoding that hides behind a tab is seen",
            ok + "Content-Length: 3\r\nTransfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n", protocol),
        row("one in another case is seen",
            ok + "Content-Length: 3\r\ntRANSFER-eNCODING: Chunked\r\n\r\n0\r\n\r\n", protocol),
        row("one that is folded is refused",
            ok + "Content-Length: 3\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", protocol),
        row("a blank before the colon is refused", ok + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
            protocol),
        row("a vertical tab in the coding is refused",
            ok + "Transfer-Encoding: \x0b"
                 "chunked\r\n\r\n0\r\n\r\n",
            protocol),
        row("a LF inside quotes of a chunk extension is refused", chunked + "1;a=\"\n\"\r\nx\r\n0\r\n\r\n",
            protocol),
        row("empty elements beside chunked count for nothing",
            ok + "Transfer-Encoding: , chunked ,\t,\r\n\r\n1\r\nx\r\n0\r\n\r\n",
            "200 OK|Transfer-Encoding=, chunked ,\t,|x|keep"),
        row("a parameter of the coding is refused", ok + "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
            protocol),
        row("chunked twice is refused", ok + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
            protocol),
        row("chunked that is not last is refused", ok + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
            protocol),
        row("an empty coding is refused", ok + "Transfer-Encoding:\r\n\r\n0\r\n\r\n", protocol),
        row("a coding in quotes is refused", ok + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
            protocol),
        row("a length with a plus is refused", ok + "Content-Length: +1\r\n\r\nx", protocol),
        row("a length with a blank inside is refused", ok + "Content-Length: 1 1\r\n\r\nx", protocol),
        row("a length of 2^64 is refused", ok + "Content-Length: 18446744073709551616\r\n\r\nx", protocol),
        row("a length in hexadecimal is refused", ok + "Content-Length: 0x1\r\n\r\nx", protocol),
        row("two different lengths are refused", ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy",
            protocol),
        row("two different lengths in one field are refused", ok + "Content-Length: 1, 2\r\n\r\nxy",
            protocol),
        row("a length in a trailer frames nothing", chunked + "0\r\nContent-Length: 5\r\n\r\n", protocol),
    });
}

TEST_CASE("hostile: heads", "[http][conformance][hostile][virtual]") {
    check_rows({
        row("a NUL in a value is refused", ok + "A: b\0c\r\n\r\n"s, protocol),
        row("a NUL in a name is refused", ok + "A\0: b\r\n\r\n"s, protocol),
        row("a CR alone in a value is refused", ok + "A: b\rEvil: 1\r\n\r\n", protocol),
        row("an LF alone between fields is refused", ok + "A: b\nEvil: 1\r\n\r\n", protocol),
        row("a DEL in a value is refused",
            ok + "A: b\x7f"
                 "c\r\n\r\n",
            protocol),
        row("an empty name is refused", ok + ": b\r\n\r\n", protocol),
        row("a name with a blank is refused", ok + "A B: c\r\n\r\n", protocol),
        row("a field without a colon is refused", ok + "AB\r\n\r\n", protocol),
        row("a first field that begins with a blank is refused", ok + " A: b\r\n\r\n", protocol),
        row("a status line of HTTP/2 is refused", "HTTP/2 200\r\n\r\n", protocol),
        row("a status line of HTTP/1.2 is refused", "HTTP/1.2 200 OK\r\n\r\n", protocol),
        row("a status line in lower case is refused", "http/1.1 200 OK\r\n\r\n", protocol),
        row("a status of two digits is refused", "HTTP/1.1 20 OK\r\n\r\n", protocol),
        row("a status of four digits is refused", "HTTP/1.1 2000 OK\r\n\r\n", protocol),
        row("a status of letters is refused", "HTTP/1.1 2OO OK\r\n\r\n", protocol),
        row("two blanks before the status are refused", "HTTP/1.1  200 OK\r\n\r\n", protocol),
        row("a request instead of a response is refused", "GET / HTTP/1.1\r\n\r\n", protocol),
        row("a TLS alert instead of a response is refused", "\x15\x03\x01\0\x02\x02\x16"s, protocol),
        row("HTML without a head (HTTP/0.9) is refused", "<html>", protocol),
        row("an SSH banner is refused", "SSH-2.0-OpenSSH\r\n", protocol),
    });
}

TEST_CASE("hostile: chunks", "[http][conformance][hostile][virtual]") {
    check_rows({
        row("an empty size is refused", chunked + "\r\nx\r\n0\r\n\r\n", protocol),
        row("a negative size is refused", chunked + "-1\r\nx\r\n0\r\n\r\n", protocol),
        row("a size with 0x is refused", chunked + "0x1\r\nx\r\n0\r\n\r\n", protocol),
        row("a size of 2^64 is refused", chunked + "10000000000000000\r\nx\r\n0\r\n\r\n", protocol),
        row("a size that is no number is refused", chunked + "xyz\r\nx\r\n0\r\n\r\n", protocol),
        row("a size line that ends with LF alone is refused", chunked + "1\nx\r\n0\r\n\r\n", protocol),
        row("a chunk that is longer than its size is refused", chunked + "1\r\nxy\r\n0\r\n\r\n", protocol),
        row("a chunk that is shorter than its size takes what follows, and the body is incomplete",
            chunked + "5\r\nxy\r\n0\r\n\r\n", no_body),
        row("a body that ends inside a chunk is incomplete", chunked + "5\r\nxy", no_body),
        row("a body that ends after a chunk is incomplete", chunked + "1\r\nx\r\n", no_body),
        row("a body that ends inside the trailers is incomplete", chunked + "0\r\nA: b\r\n", no_body),
        row("a body that ends inside a size is incomplete", chunked + "1", no_body),
        row("a trailer with a NUL is refused", chunked + "0\r\nA: b\0\r\n\r\n"s, protocol),
        row("a trailer without a colon is refused", chunked + "0\r\nAB\r\n\r\n", protocol),
    });
}
