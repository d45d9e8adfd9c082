// tandem - what the tests of the asio floor share: connected sockets, operations with a mind of their own
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include <memory>
#include <utility>

#include <tandem/asio/event_loop.hpp>
#include <tandem/core/this_task.hpp>

namespace tandem_test {

using tcp = boost::asio::ip::tcp;

inline boost::asio::io_context& context() { return tandem::event_loop::running().context(); }

/// Connects two sockets over 127.0.0.1.
inline void connect_pair(tcp::socket& a, tcp::socket& b) {
    tcp::acceptor acceptor(context(), tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    a.connect(acceptor.local_endpoint());
    acceptor.accept(b);
    a.set_option(tcp::no_delay(true));
    b.set_option(tcp::no_delay(true));
}

/// What a test wants of an operation: it completes when the test says so, whatever cancellation asks.
template <class Signature>
class manual_operation;
template <class... Results>
class manual_operation<void(Results...)> {
public:
    template <class Token>
    auto start(Token&& token) {
        return boost::asio::async_initiate<Token, void(Results...)>(
            [this](auto handler) {
                ++started_;
                auto slot = boost::asio::get_associated_cancellation_slot(handler);
                if (slot.is_connected()) {
                    slot.assign([this](boost::asio::cancellation_type) {
                        ++cancels_;
                        if (on_cancel) on_cancel();
                    });
                }
                handler_ = std::make_unique<holder<decltype(handler)>>(std::move(handler));
            },
            token);
    }
    /// Calls the handler here and now.
    void complete(Results... results) {
        const std::unique_ptr<base> handler = std::move(handler_);
        handler->call(std::move(results)...);
    }
    bool pending() const noexcept { return handler_ != nullptr; }
    int started() const noexcept { return started_; }
    int cancels() const noexcept { return cancels_; }

    void (*on_cancel)() = nullptr;

private:
    class base {
    public:
        virtual ~base() = default;
        virtual void call(Results... results) = 0;
    };
    template <class Handler>
    class holder final : public base {
    public:
        explicit holder(Handler&& handler) : handler_(std::move(handler)) {}
        void call(Results... results) override {
            auto executor = boost::asio::get_associated_executor(handler_);
            boost::asio::dispatch(executor, [h = std::move(handler_), ... r = std::move(results)]() mutable {
                std::move(h)(std::move(r)...);
            });
        }

    private:
        Handler handler_;
    };

    std::unique_ptr<base> handler_;
    int started_ = 0;
    int cancels_ = 0;
};

}  // namespace tandem_test
