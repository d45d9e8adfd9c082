// quest_server - the network of the demo: APIs that take their time, in a process of their own.
// SPDX-License-Identifier: BSL-1.0
//
// It listens on a free port of 127.0.0.1, prints "port <number>", and ends when its standard input is
// closed, so that it never outlives whoever started it. One request per connection, one line each:
//     GET <name> <milliseconds>    waits, then answers "ok <name>"
//     FAIL <name> <milliseconds>   waits, then answers "error <name> is down"
//     STATS                        "stats <in flight> <peak> <answered> <abandoned>"
//     RESET                        the same, and starts counting afresh
// A client that closes its connection before the answer has abandoned the request.
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <unistd.h>
#include <utility>

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

class counters {
public:
    void begin() { peak_ = std::max(peak_, ++in_flight_); }
    void end(bool was_answered) {
        --in_flight_;
        ++(was_answered ? answered_ : abandoned_);
    }
    std::string line() const {
        std::ostringstream text;
        text << "stats " << in_flight_ << ' ' << peak_ << ' ' << answered_ << ' ' << abandoned_;
        return text.str();
    }
    void reset() {
        peak_ = in_flight_;
        answered_ = abandoned_ = 0;
    }

private:
    int in_flight_ = 0;
    int peak_ = 0;
    int answered_ = 0;
    int abandoned_ = 0;
};

class session : public std::enable_shared_from_this<session> {
public:
    session(tcp::socket socket, counters& count)
        : socket_(std::move(socket)), timer_(socket_.get_executor()), count_(count) {}

    void start() {
        asio::async_read_until(socket_, asio::dynamic_buffer(request_, 1000), '\n',
                               [self = shared_from_this()](error_code error, std::size_t) {
                                   if (!error) self->obey();
                               });
    }

private:
    void obey() {
        std::istringstream words(request_);
        std::string verb;
        std::string name;
        long milliseconds = 0;
        words >> verb;
        if (verb == "STATS" || verb == "RESET") {
            const std::string line = count_.line();
            if (verb == "RESET") count_.reset();
            return answer(line);
        }
        if (!(words >> name >> milliseconds) || (verb != "GET" && verb != "FAIL"))
            return answer("error bad request");
        count_.begin();
        timer_.expires_after(std::chrono::milliseconds(milliseconds));
        timer_.async_wait([self = shared_from_this(), fails = verb == "FAIL", name](error_code aborted) {
            if (aborted || std::exchange(self->ended_, true)) return;
            self->count_.end(true);
            self->answer(fails ? "error " + name + " is down" : "ok " + name);
        });
        // Nothing more is to come: the end of this read is the client going away.
        socket_.async_read_some(asio::buffer(&nothing_, 1),
                                [self = shared_from_this()](error_code error, std::size_t) {
                                    if (!error || std::exchange(self->ended_, true)) return;
                                    self->count_.end(false);
                                    self->timer_.cancel();
                                });
    }

    void answer(const std::string& text) {
        answer_ = text + '\n';
        asio::async_write(socket_, asio::buffer(answer_),
                          [self = shared_from_this()](error_code, std::size_t) {
                              error_code ignored;
                              self->socket_.shutdown(tcp::socket::shutdown_both, ignored);
                          });
    }

    tcp::socket socket_;
    asio::steady_timer timer_;
    counters& count_;
    std::string request_;
    std::string answer_;
    char nothing_ = 0;
    bool ended_ = false;
};

void accept_all(tcp::acceptor& acceptor, counters& count) {
    acceptor.async_accept([&](error_code error, tcp::socket socket) {
        if (!error) std::make_shared<session>(std::move(socket), count)->start();
        accept_all(acceptor, count);
    });
}

}  // namespace

int main() {
    std::signal(SIGINT, SIG_IGN);  // Ctrl-C is for the one who started us; we end with our input
    asio::io_context context(1);
    counters count;
    tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    acceptor.listen(4096);
    std::cout << "port " << acceptor.local_endpoint().port() << std::endl;
    accept_all(acceptor, count);

    asio::posix::stream_descriptor input(context, ::dup(STDIN_FILENO));
    char byte = 0;
    input.async_read_some(asio::buffer(&byte, 1), [&](error_code, std::size_t) { context.stop(); });
    context.run();
}
