// tandem - the executor of a loop as the handlers of its tasks carry it
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/require.hpp>

#include <utility>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// The loop's executor as the handlers of tasks carry it. The loop itself holds its io_context while
/// there are tasks, so this one takes no part in Asio's count of work: that saves four atomic
/// operations for each completion.
class loop_executor {
    using inner_executor = boost::asio::io_context::executor_type;

public:
    explicit loop_executor(inner_executor inner) noexcept : inner_(inner) {}

    template <class F>
    void execute(F&& f) const {
        inner_.execute(std::forward<F>(f));
    }
    boost::asio::io_context& query(boost::asio::execution::context_t) const noexcept {
        return inner_.context();
    }
    auto require(boost::asio::execution::blocking_t::never_t) const {
        return boost::asio::require(inner_, boost::asio::execution::blocking.never);
    }
    bool operator==(const loop_executor&) const noexcept = default;

private:
    inner_executor inner_;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
