// tandem - conformance: messages; one row for each behaviour, each cut in every way
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/impl/parser.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "http/conformance/reading.hpp"

namespace http = tandem::http;
using namespace tandem_test;

#define ROW(name) TEST_CASE("messages: " name, "[http][conformance][virtual]")

// ---- framing

ROW("a body of Content-Length") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello") ==
          "200 OK|Content-Length=5|hello|keep");
}
ROW("Content-Length 0 is a complete message") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") == "200 OK|Content-Length=0||keep");
}
ROW("equal Content-Length fields are one") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello") ==
          "200 OK|Content-Length=5|Content-Length=5|hello|keep");
}
ROW("an equal list in Content-Length is one") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello") ==
          "200 OK|Content-Length=5, 5|hello|keep");
}
ROW("different Content-Length fields are refused") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello") == protocol);
}
ROW("a different list in Content-Length is refused") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello") == protocol);
}
ROW("a signed, empty, fractional, hexadecimal or too large Content-Length is refused") {
    for (const char* const value :
         {"+5", "-5", "", "5.0", "0x5", "5 5", "18446744073709551616", "five", "5,"}) {
        INFO(value);
        CHECK(result_of(std::string("HTTP/1.1 200 OK\r\nContent-Length: ") + value + "\r\n\r\nhello") ==
              protocol);
    }
}
ROW("a body shorter than Content-Length is incomplete") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello") == no_body);
}
ROW("bytes after a body forbid the connection's reuse") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n\r\n") ==
          "200 OK|Content-Length=5|hello|close");
}
ROW("without a length the body ends with the stream") {
    CHECK(result_of("HTTP/1.1 200 OK\r\n\r\nhello\r\n") == "200 OK|hello\r\n|close");
}
ROW("without a length and without a body") { CHECK(result_of("HTTP/1.1 200 OK\r\n\r\n") == "200 OK||close"); }
ROW("chunks") {
    CHECK(
        result_of(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n") ==
        "200 OK|Transfer-Encoding=chunked|hello world|keep");
}
ROW("no chunk but the last") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") ==
          "200 OK|Transfer-Encoding=chunked||keep");
}
ROW("chunk sizes in either case, with leading zeros") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                    "Chunked\r\n\r\n00A\r\n0123456789\r\na\r\n0123456789\r\n000\r\n\r\n") ==
          "200 OK|Transfer-Encoding=Chunked|01234567890123456789|keep");
}
ROW("chunk extensions are skipped") {
    CHECK(
        result_of(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b;c=\"d;e\"\r\nhello\r\n0;x\r\n\r\n") ==
        "200 OK|Transfer-Encoding=chunked|hello|keep");
}
ROW("bad chunk sizes are refused") {
    for (const char* const size : {"g", "-5", "+5", "0x5", " 5", "", "11111111111111111"}) {
        INFO(size);
        CHECK(result_of(std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") + size +
                        "\r\nhello\r\n0\r\n\r\n") == protocol);
    }
}
ROW("blanks after a chunk size are refused, as Beast 1.81 does") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n") ==
          protocol);
}
ROW("a chunk without its CRLF is refused") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n") ==
          protocol);
}
ROW("chunks that end with a bare LF are refused") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n") != "200 OK");
}
ROW("a cut chunk is incomplete") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel") == no_body);
}
ROW("a missing last chunk is incomplete") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n") == no_body);
}
ROW("a last chunk without the final CRLF is incomplete") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n") == no_body);
}
ROW("Content-Length after Transfer-Encoding is refused") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n") ==
          protocol);
}
ROW("Transfer-Encoding after Content-Length is refused") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") ==
          protocol);
}
ROW("identity with Content-Length is refused in both orders") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: identity\r\n\r\nx") ==
          protocol);
    CHECK(result_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 1\r\n\r\nx") ==
          protocol);
}
ROW("identity alone is a body to the end of the stream") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nx") ==
          "200 OK|Transfer-Encoding=identity|x|close");
}
ROW("a Transfer-Encoding that is not known is refused") {
    for (const char* const value :
         {"xchunked", "chunked, gzip", "chunked, chunked", "gzip", "br, chunked", "\"chunked\"",
          "chunked;q=1", "chunked identity", "gzip, gzip, chunked"}) {
        INFO(value);
        CHECK(result_of(std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: ") + value +
                        "\r\n\r\n5\r\nhello\r\n0\r\n\r\n") == protocol);
    }
}
ROW("two Transfer-Encoding fields are refused") {
    CHECK(result_of(
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") ==
          protocol);
    CHECK(
        result_of(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") ==
        protocol);
    CHECK(result_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: "
                    "chunked\r\n\r\n0\r\n\r\n") == protocol);
}
ROW("gzip, chunked is a coding to undo") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n") ==
          "200 OK|Transfer-Encoding=gzip, chunked|abc|gzip|keep");
}

// ---- responses without a body

ROW("HEAD has no body, whatever its length says") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true) == "200 OK|Content-Length=5||keep");
    CHECK(result_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true) ==
          "200 OK|Transfer-Encoding=chunked||keep");
    CHECK(result_of("HTTP/1.1 200 OK\r\n\r\n", true) == "200 OK||keep");
}
ROW("a body after HEAD forbids reuse") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", true) ==
          "200 OK|Content-Length=5||close");
}
ROW("204 has no body") { CHECK(result_of("HTTP/1.1 204 No Content\r\n\r\n") == "204 No Content||keep"); }
ROW("204 with Content-Length 0 is harmless") {
    CHECK(result_of("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n") ==
          "204 No Content|Content-Length=0||keep");
}
ROW("204 that announces a body is never reused") {
    CHECK(result_of("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n") ==
          "204 No Content|Content-Length=5||close");
    CHECK(result_of("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n") ==
          "204 No Content|Transfer-Encoding=chunked||close");
}
ROW("304 has no body, and may say how long it would be") {
    CHECK(result_of("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n") ==
          "304 Not Modified|Content-Length=5||keep");
}

// ---- informational responses

ROW("100, 102 and 103 come before the final response") {
    CHECK(result_of("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n"
                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") ==
          "100 then 102 then 103 then 200 OK|Content-Length=2|hi|keep");
}
ROW("eight informational responses are the most") {
    std::string wire;
    for (int i = 0; i < 8; ++i) wire += "HTTP/1.1 100 Continue\r\n\r\n";
    CHECK(result_of(wire + "HTTP/1.1 204 N\r\n\r\n").ends_with("204 N||keep"));
    CHECK(result_of(wire + "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 204 N\r\n\r\n").ends_with(protocol));
}
ROW("an informational response with a body is refused") {
    CHECK(result_of("HTTP/1.1 103 E\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n\r\n") == protocol);
}
ROW("101 that nobody has asked for is refused") {
    CHECK(result_of("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n") == protocol);
}
ROW("a stream that ends after an informational response is incomplete") {
    CHECK(result_of("HTTP/1.1 100 Continue\r\n\r\n") == "100 then " + no_headers);
}

// ---- connections

ROW("Connection: close") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").ends_with("|close"));
    CHECK(result_of("HTTP/1.1 200 OK\r\nConnection: x, CLOSE\r\nContent-Length: 0\r\n\r\n")
              .ends_with("|close"));
}
ROW("HTTP/1.0 closes unless it says keep-alive") {
    CHECK(result_of("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").ends_with("|close"));
    CHECK(result_of("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n")
              .ends_with("|keep"));
}
ROW("HTTP/1.0 with chunks is read and never reused") {
    CHECK(result_of("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: "
                    "chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n") ==
          "200 OK|Connection=keep-alive|Transfer-Encoding=chunked|x|close");
}

// ---- trailers

ROW("trailers are kept apart") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nDigest: abc\r\nX: "
                    "y\r\n\r\n") == "200 OK|Transfer-Encoding=chunked|x|+Digest=abc|+X=y|keep");
}
ROW("a trailer cannot set a cookie, close the connection or change the type") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nSet-Cookie: a=b\r\n"
                    "Connection: close\r\nContent-Type: x\r\nLocation: /\r\nOk: 1\r\n\r\n") ==
          "200 OK|Transfer-Encoding=chunked|x|+Ok=1|keep");
}
ROW("a trailer that frames is refused") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n") ==
          protocol);
    CHECK(
        result_of(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n") ==
        protocol);
}
ROW("a damaged trailer is refused") {
    CHECK(result_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nno colon\r\n\r\n") ==
          protocol);
}

// ---- status lines and fields

ROW("an empty reason, with and without its blank") {
    CHECK(result_of("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n") == "200 |Content-Length=0||keep");
    CHECK(result_of("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n") == "200 |Content-Length=0||keep");
    CHECK(result_of("HTTP/1.1 204\r\n\r\n") == "204 ||keep");
}
ROW("two blank lines before the status line are the most") {
    CHECK(result_of("\r\nHTTP/1.1 204 N\r\n\r\n") == "204 N||keep");
    CHECK(result_of("\r\n\r\nHTTP/1.1 204\r\n\r\n") == "204 ||keep");
    CHECK(result_of("\r\n\r\n\r\nHTTP/1.1 204 N\r\n\r\n") == protocol);
}
ROW("what is no HTTP/1 is refused with its first byte that differs") {
    for (const char* const wire :
         {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/2 200\r\n\r\n", "HTTP/0.9 200 OK\r\n\r\n", "ICY 200 OK\r\n\r\n",
          "http/1.1 200 OK\r\n\r\n", "\x15\x03\x01", "<html>", " HTTP/1.1 200 OK\r\n\r\n", "\nHTTP/1.1"}) {
        INFO(wire);
        CHECK(result_of(wire) == protocol);
    }
}
ROW("bad status lines are refused") {
    for (const char* const line :
         {"HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 abc OK", "HTTP/1.1  200 OK", "HTTP/1.1",
          "HTTP/1.1 -20 OK", "HTTP/1.2 200 OK", "HTTP/1.x 200 OK", "HTTP/1.1\t200 OK", "HTTP/1.1 000 X",
          "HTTP/1.1 099 X"}) {
        INFO(line);
        CHECK(result_of(std::string(line) + "\r\nContent-Length: 0\r\n\r\n") == protocol);
    }
}
ROW("odd statuses are delivered") {
    CHECK(result_of("HTTP/1.1 299 Odd\r\nContent-Length: 0\r\n\r\n") == "299 Odd|Content-Length=0||keep");
    CHECK(result_of("HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n") == "999 Odd|Content-Length=0||keep");
}
ROW("a line that ends with LF alone is refused at once") {
    CHECK(result_of("HTTP/1.1 200 OK\n\n") == protocol);
    CHECK(result_of("HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n") == protocol);
}
ROW("damaged fields are refused") {
    const std::string_view fields[] = {
        "no colon",    ": no name", "bl ank: x", "blank : x",
        "a\x01: x",    "A: \x01",   "A: b\rc",   std::string_view("A: b\0c", 6),
        "\xc3\xa9: x", "A: \x7f"};
    for (const std::string_view field : fields) {
        INFO(field);
        CHECK(result_of("HTTP/1.1 200 OK\r\n" + std::string(field) + "\r\nContent-Length: 0\r\n\r\n") ==
              protocol);
    }
}
ROW("a folded value is joined") {
    CHECK(result_of("HTTP/1.1 204 N\r\nA: b\r\n\t c\r\n\r\n") == "204 N|A=b c||keep");
}
ROW("blanks around a value are no part of it, an empty value is a value") {
    CHECK(result_of("HTTP/1.1 204 N\r\nA: \t b \t\r\nB:\r\nC:d\r\n\r\n") == "204 N|A=b|B=|C=d||keep");
}
ROW("bytes beyond ASCII in a value are kept") {
    CHECK(result_of("HTTP/1.1 204 N\r\nA: \xc3\xa9\r\n\r\n") == "204 N|A=\xc3\xa9||keep");
}
ROW("fields keep their order and spelling") {
    CHECK(result_of("HTTP/1.1 204 N\r\nset-COOKIE: a\r\nB: c\r\nSet-Cookie: d\r\n\r\n") ==
          "204 N|set-COOKIE=a|B=c|Set-Cookie=d||keep");
}

// ---- ends

ROW("nothing at all") { CHECK(result_of("") == nothing); }
ROW("a stream that ends inside the head") {
    CHECK(result_of("H") == no_headers);
    CHECK(result_of("HTTP/1.1 200 OK\r\nContent-Le") == no_headers);
    CHECK(result_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n") == no_headers);
    CHECK(result_of("\r\n") == no_headers);
}

// ---- limits

ROW("a head larger than the limit") {
    http::limits small;
    small.header_bytes(60);
    const std::string head =
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: ";  // 39 bytes, and 4 after the value
    CHECK(result_of(head + std::string(17, 'x') + "\r\n\r\n", false, small) ==
          "200 OK|Content-Length=0|A=" + std::string(17, 'x') + "||keep");
    CHECK(result_of(head + std::string(18, 'x') + "\r\n\r\n", false, small) == too_large);
    CHECK(result_of(head + std::string(100, 'x'), false, small) == too_large);
}
ROW("more fields than the limit") {
    http::limits few;
    few.header_fields(2);
    CHECK(result_of("HTTP/1.1 204 N\r\nA: 1\r\nB: 2\r\n\r\n", false, few) == "204 N|A=1|B=2||keep");
    CHECK(result_of("HTTP/1.1 204 N\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", false, few) == too_large);
    CHECK(result_of("HTTP/1.1 200 N\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n",
                    false, few) == too_large);
}
ROW("a value of 60 kB is fine, one of 70 kB is too large") {
    CHECK(result_of("HTTP/1.1 204 N\r\nA: " + std::string(60'000, 'x') + "\r\n\r\n").size() > 60'000);
    CHECK(result_of("HTTP/1.1 204 N\r\nA: " + std::string(70'000, 'x') + "\r\n\r\n") == too_large);
}
ROW("a value of 100 kB under a raised limit") {
    http::limits large;
    large.header_bytes(200'000);
    CHECK(read_in("HTTP/1.1 204 N\r\nA: " + std::string(100'000, 'x') + "\r\n\r\n", {50'000}, false, large)
              .size() > 100'000);
}
ROW("chunk extensions and trailers have the limit of the head") {
    http::limits small;
    small.header_bytes(100);
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const std::string good =
        head + "1;" + std::string(80, 'x') + "\r\ny\r\n0\r\nA: " + std::string(80, 'x') + "\r\n\r\n";
    CHECK(result_of(good, false, small).starts_with("200 OK|Transfer-Encoding=chunked|y|+A=xxx"));
    CHECK(result_of(head + "1;" + std::string(120, 'x') + "\r\ny\r\n0\r\n\r\n", false, small) == too_large);
    CHECK(result_of(head + "1;" + std::string(120, 'x'), false, small) == too_large);
    CHECK(result_of(head + "0\r\nA: " + std::string(120, 'x') + "\r\n\r\n", false, small) == too_large);
    CHECK(result_of(head + "0\r\nA: " + std::string(120, 'x'), false, small) == too_large);
    CHECK(result_of(head + "0\r\nA: b" + std::string(120, ' ') + "\r\n\r\n", false, small) == too_large);
}

ROW("the text of an error shows no control characters of the answer") {
    http::limits limits;
    http::detail::response_reader reader(limits, false);
    try {
        static_cast<void>(reader.step("\x1b[31mevil\r\nline\r\n"));
        FAIL("not refused");
    } catch (const http::error& e) {
        CHECK(std::string(e.what()) ==
              "tandem::http: the answer is not valid HTTP/1.1: the answer begins with \"?[31mevil??line??\"");
        CHECK(e.phase() == http::phase::header);
    }
}
