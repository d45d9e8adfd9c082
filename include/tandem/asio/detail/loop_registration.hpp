// tandem - what an io_context keeps for the loop that is attached to it
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/execution_context.hpp>

#include <atomic>

#include <tandem/asio/detail/handler_memory.hpp>

namespace tandem::inline TANDEM_ABI {

class event_loop;

namespace detail {

/// Lives in the io_context, so that a handler that outlives its loop finds that out.
class loop_registration final : public boost::asio::execution_context::service {
public:
    using key_type = loop_registration;
    TANDEM_PROCESS_WIDE inline static boost::asio::execution_context::id id;

    explicit loop_registration(boost::asio::execution_context& context)
        : boost::asio::execution_context::service(context) {}

    event_loop* loop = nullptr;
    // Of the queued drain and the queued wake: in a borrowed io_context they outlive the loop.
    handler_memory drain_memory;
    handler_memory wake_memory;
    std::atomic<bool> wake_queued{false};

private:
    void shutdown() override {}
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
