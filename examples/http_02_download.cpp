// Streams a large file to disk with a progress bar: memory stays at one buffer, however large it is.
// SPDX-License-Identifier: BSL-1.0
// expect: ^20000000 bytes on disk$
#include <tandem/asio/run.hpp>
#include <tandem/http/client.hpp>
#include <tandem/testing/http_server.hpp>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>

#include "check.hpp"

namespace http = tandem::http;

void show(std::uint64_t have, std::uint64_t all) {
    constexpr std::uint64_t width = 40;
    const auto done = static_cast<std::size_t>(all != 0 ? have * width / all : 0);
    std::cout << '\r' << '[' << std::string(done, '#') << std::string(width - done, ' ') << "] " << have * 100 / all << "% ";
}

tandem::task<std::uint64_t> download(http::client& client, std::string url, std::string path) {
    http::response_stream stream = co_await client.get(url).stream();  // the head; the body is still to come
    stream.raise_for_status();
    const std::uint64_t all = std::stoull(std::string(stream.headers().get("Content-Length").value_or("0")));
    std::ofstream file(path, std::ios::binary);
    std::uint64_t have = 0;
    int shown = -1;
    for (;;) {
        const std::string_view piece = co_await stream.next_chunk();  // nothing is read while we write
        if (piece.empty()) break;
        file.write(piece.data(), static_cast<std::streamsize>(piece.size()));
        have += piece.size();
        const int percent = static_cast<int>(have * 100 / all);
        if (percent / 5 != shown / 5) show(have, all);
        shown = percent;
    }
    std::cout << '\n';
    co_return have;
}

int main() {
    tandem::testing::http_server server;
    server.on("GET", "/large", tandem::testing::reply(200, std::string(20'000'000, 'x')));
    const std::string path = (std::filesystem::temp_directory_path() / "tandem_http_02_download").string();
    http::client client;
    const std::uint64_t size = tandem::run(download(client, server.url("/large"), path));
    check(size == std::filesystem::file_size(path), "what came is what is on disk");
    std::filesystem::remove(path);
    std::cout << size << " bytes on disk\n";
}
