// tandem - number and name of a task
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>

#include <tandem/core/frame_alloc.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

class task_info;
void retain(task_info& info) noexcept;
void release(task_info& info) noexcept;

/// Number and name of a task, made when one of them is given or asked for. Shared with what is left of
/// the task for its handles.
class task_info {
public:
    static task_info* make(std::uint64_t id, std::string_view name) {
        void* const room = allocate_frame(sizeof(task_info) + name.size());
        return ::new (room) task_info(id, name);
    }
    task_info(const task_info&) = delete;
    task_info& operator=(const task_info&) = delete;

    std::uint64_t id() const noexcept { return id_; }
    std::string_view name() const noexcept { return {reinterpret_cast<const char*>(this + 1), length_}; }

    friend void retain(task_info& info) noexcept;
    friend void release(task_info& info) noexcept;

private:
    task_info(std::uint64_t id, std::string_view name) noexcept : id_(id), length_(name.size()) {
        std::memcpy(static_cast<void*>(this + 1), name.data(), name.size());
    }

    std::uint64_t id_;
    std::size_t length_;
    std::uint32_t references_ = 1;
};

inline void retain(task_info& info) noexcept { ++info.references_; }
inline void release(task_info& info) noexcept {
    if (--info.references_ == 0) release_frame(&info, sizeof(task_info) + info.length_);
}

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
