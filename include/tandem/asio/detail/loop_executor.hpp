// tandem - the executor of a loop as the handlers of its tasks carry it
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/require.hpp>

#include <utility>

#include <tandem/core/loop_core.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// The loop holds its io_context while there are tasks, so this executor takes no part in Asio's count
/// of work: that saves four atomic operations for each completion. A completion that comes from another
/// thread, of an object of another io_context, pins the loop until that thread has left it.
class loop_executor {
public:
    explicit loop_executor(loop_core& loop) noexcept : loop_(&loop) {}

    template <class F>
    void execute(F&& f) const {
        if (loop_->on_its_thread() && !never_blocks_) return inner().execute(std::forward<F>(f));
        const loop_pin pin(loop_->pins());
        boost::asio::require(inner(), boost::asio::execution::blocking.never).execute(std::forward<F>(f));
    }
    boost::asio::io_context& query(boost::asio::execution::context_t) const noexcept {
        return *static_cast<boost::asio::io_context*>(loop_->io());
    }
    loop_executor require(boost::asio::execution::blocking_t::never_t) const noexcept {
        loop_executor posting(*loop_);
        posting.never_blocks_ = true;
        return posting;
    }
    bool operator==(const loop_executor&) const noexcept = default;

private:
    boost::asio::io_context::executor_type inner() const noexcept {
        return static_cast<boost::asio::io_context*>(loop_->io())->get_executor();
    }

    loop_core* loop_;
    bool never_blocks_ = false;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
