// SPDX-License-Identifier: BSL-1.0
#include "service.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

namespace quest {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;
using tandem::use_task;

server_process::server_process() {
    const std::string program =
        std::filesystem::read_symlink("/proc/self/exe").parent_path() / "quest_server";
    int to_server[2];
    int from_server[2];
    if (::pipe2(to_server, O_CLOEXEC) != 0 || ::pipe2(from_server, O_CLOEXEC) != 0) {
        throw std::runtime_error("quest: no pipe to the server process");
    }
    child_ = ::fork();
    if (child_ == 0) {
        ::dup2(to_server[0], STDIN_FILENO);
        ::dup2(from_server[1], STDOUT_FILENO);
        ::execl(program.c_str(), program.c_str(), static_cast<char*>(nullptr));
        ::_exit(127);
    }
    ::close(to_server[0]);
    ::close(from_server[1]);
    input_ = to_server[1];
    if (std::FILE* const output = ::fdopen(from_server[0], "r")) {
        if (std::fscanf(output, "port %hu", &port_) != 1) port_ = 0;
        std::fclose(output);
    }
    if (port_ == 0)
        throw std::runtime_error("quest: " + program + " does not start; build the target quest_server");
}

server_process::~server_process() {
    ::close(input_);
    if (child_ > 0) ::waitpid(child_, nullptr, 0);
}

service::service(asio::io_context& context, unsigned short port)
    : context_(context), endpoint_(asio::ip::address_v4::loopback(), port) {}

// One request from beginning to end. Whenever it is cancelled, the socket's destructor closes the
// connection: that is all the cleanup there is, and the server notices.
tandem::task<std::string> service::ask(std::string line) {
    tcp::socket socket(context_);
    co_await socket.async_connect(endpoint_, use_task);
    line += '\n';
    co_await asio::async_write(socket, asio::buffer(line), use_task);
    std::string answer;
    co_await asio::async_read_until(socket, asio::dynamic_buffer(answer), '\n', use_task);
    answer.pop_back();
    if (answer.starts_with("error ")) throw api_error(answer.substr(6));
    co_return answer.substr(answer.find(' ') + 1);
}

tandem::task<std::string> service::get(std::string name, std::chrono::milliseconds delay) {
    return ask("GET " + name + ' ' + std::to_string(delay.count()));
}

tandem::task<std::string> service::get_broken(std::string name, std::chrono::milliseconds delay) {
    return ask("FAIL " + name + ' ' + std::to_string(delay.count()));
}

tandem::task<server_statistics> service::statistics() {
    server_statistics seen;
    for (int attempt = 0; attempt < 100; ++attempt) {
        std::istringstream numbers(co_await ask("STATS"));
        numbers >> seen.in_flight >> seen.peak >> seen.answered >> seen.abandoned;
        if (seen.in_flight == 0) break;
        co_await tandem::sleep(10ms);
    }
    co_return seen;
}

tandem::task<> service::reset() { co_await ask("RESET"); }

}  // namespace quest
