// tandem - result_chunk: results of map_unordered on their way from a worker to the loop
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <vector>

#include <tandem/base/outcome.hpp>
#include <tandem/core/loop_core.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

template <class Calls>
class unordered_map;

/// Results of a chunk on their way to the loop.
template <class Calls>
class result_chunk final : public call_node {
    using result = stored_t<typename Calls::result>;

public:
    explicit result_chunk(unordered_map<Calls>& owner) noexcept
        : call_node(&result_chunk::arrive), owner_(owner) {}

    std::size_t first = 0;
    std::vector<result> values;
    result_chunk* next = nullptr;

private:
    static void arrive(call_node& node, loop_core* loop) noexcept {
        result_chunk& self = static_cast<result_chunk&>(node);
        if (loop) self.owner_.chunk_arrived(self);
    }
    unordered_map<Calls>& owner_;
};

/// First in, first out.
template <class Chunk>
class chunk_line {
public:
    bool empty() const noexcept { return !first_; }
    void push(Chunk& c) noexcept {
        c.next = nullptr;
        (first_ ? last_->next : first_) = &c;
        last_ = &c;
    }
    Chunk* pop() noexcept {
        Chunk* const c = first_;
        if (c) first_ = c->next;
        return c;
    }

private:
    Chunk* first_ = nullptr;
    Chunk* last_ = nullptr;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
