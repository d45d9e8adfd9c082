// tandem - memory for one pending Asio handler, kept by whoever waits for it
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <new>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Room for one handler at a time. Asio frees a handler before it calls it, so the steps of a composed
/// operation take turns; what is larger, or comes second, goes to `operator new`.
class handler_memory {
public:
    handler_memory() noexcept {}
    handler_memory(const handler_memory&) = delete;
    handler_memory& operator=(const handler_memory&) = delete;

    void* allocate(std::size_t bytes) {
        if (used_ || bytes > sizeof(room_)) return ::operator new(bytes);
        used_ = true;
        return room_;
    }
    void deallocate(void* p) noexcept {
        if (p == room_) {
            used_ = false;
        } else {
            ::operator delete(p);
        }
    }

private:
    alignas(std::max_align_t) unsigned char room_[256];
    bool used_ = false;
};

template <class T>
class handler_allocator {
public:
    using value_type = T;

    explicit handler_allocator(handler_memory& memory) noexcept : memory_(&memory) {}
    template <class U>
    handler_allocator(const handler_allocator<U>& other) noexcept : memory_(other.memory()) {}

    T* allocate(std::size_t count) { return static_cast<T*>(memory_->allocate(count * sizeof(T))); }
    void deallocate(T* p, std::size_t) noexcept { memory_->deallocate(p); }
    handler_memory* memory() const noexcept { return memory_; }

    template <class U>
    bool operator==(const handler_allocator<U>& other) const noexcept {
        return memory_ == other.memory();
    }

private:
    handler_memory* memory_;
};

template <>
class handler_allocator<void> {
public:
    using value_type = void;
    template <class U>
    struct rebind {
        using other = handler_allocator<U>;
    };

    explicit handler_allocator(handler_memory& memory) noexcept : memory_(&memory) {}
    template <class U>
    handler_allocator(const handler_allocator<U>& other) noexcept : memory_(other.memory()) {}
    handler_memory* memory() const noexcept { return memory_; }

    template <class U>
    bool operator==(const handler_allocator<U>& other) const noexcept {
        return memory_ == other.memory();
    }

private:
    handler_memory* memory_;
};

}  // namespace detail
}  // namespace tandem::inline TANDEM_ABI
