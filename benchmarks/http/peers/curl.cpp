// SPDX-License-Identifier: BSL-1.0
// libcurl at its best: the multi interface on epoll (curl_multi_socket_action), handles reused.
#include "peers.hpp"

#include "../site.hpp"

#include <support/check.hpp>

#include <curl/curl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <memory>

namespace curl_client {
namespace {

using clock = std::chrono::steady_clock;

/// One easy handle, used for one request after the other.
struct transfer {
    CURL* easy = nullptr;
    std::size_t bytes = 0;
    clock::time_point start;
};

std::size_t count_bytes(char*, std::size_t size, std::size_t count, void* to) {
    static_cast<transfer*>(to)->bytes += size * count;
    return size * count;
}

class multi {
public:
    explicit multi(const job& what) : what_(what), transfers_(what.connections) {
        curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, watch);
        curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
        curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, set_timer);
        curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
        curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(2 * what.connections));
        for (transfer& t : transfers_) prepare(t);
    }
    multi(const multi&) = delete;
    multi& operator=(const multi&) = delete;
    ~multi() {
        for (transfer& t : transfers_) curl_easy_cleanup(t.easy);
        curl_multi_cleanup(multi_);
        ::close(epoll_);
    }

    void run(std::size_t requests) {
        left_ = requests;
        std::size_t active = 0;
        for (transfer& t : transfers_) active += begin(t);
        int running = 0;
        curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
        while (active > 0) {
            std::array<::epoll_event, 64> ready;
            const int n = ::epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), timer_);
            if (n == 0) curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
            for (int i = 0; i < n; ++i) {
                const int flags = (ready[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                                  (ready[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0);
                curl_multi_socket_action(multi_, ready[i].data.fd, flags, &running);
            }
            active -= finish_what_is_done();
        }
    }

private:
    void prepare(transfer& t) {
        t.easy = curl_easy_init();
        curl_easy_setopt(t.easy, CURLOPT_URL, what_.url.c_str());
        curl_easy_setopt(t.easy, CURLOPT_WRITEFUNCTION, count_bytes);
        curl_easy_setopt(t.easy, CURLOPT_WRITEDATA, &t);
        curl_easy_setopt(t.easy, CURLOPT_PRIVATE, &t);
        curl_easy_setopt(t.easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
        if (what_.url.rfind("https", 0) == 0)
            curl_easy_setopt(t.easy, CURLOPT_CAINFO, site::authority().c_str());
    }

    std::size_t begin(transfer& t) {
        if (left_ == 0) return 0;
        --left_;
        t.bytes = 0;
        t.start = clock::now();
        curl_multi_add_handle(multi_, t.easy);
        return 1;
    }

    /// How many transfers have come to rest.
    std::size_t finish_what_is_done() {
        std::size_t resting = 0;
        int queued = 0;
        while (CURLMsg* message = curl_multi_info_read(multi_, &queued)) {
            transfer* t = nullptr;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
            bench::check(message->data.result == CURLE_OK && t->bytes == what_.body,
                         "libcurl: a body is not whole");
            if (what_.latencies) {
                const std::chrono::duration<double, std::nano> took = clock::now() - t->start;
                what_.latencies->push_back(took.count());
            }
            curl_multi_remove_handle(multi_, t->easy);
            resting += 1 - begin(*t);
        }
        return resting;
    }

    static int watch(CURL*, curl_socket_t socket, int what, void* self, void* known) {
        multi& m = *static_cast<multi*>(self);
        ::epoll_event event{};
        event.data.fd = socket;
        if (what == CURL_POLL_REMOVE) {
            ::epoll_ctl(m.epoll_, EPOLL_CTL_DEL, socket, &event);
            return 0;
        }
        event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
        ::epoll_ctl(m.epoll_, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event);
        if (!known) curl_multi_assign(m.multi_, socket, &m);
        return 0;
    }

    static int set_timer(CURLM*, long milliseconds, void* self) {
        static_cast<multi*>(self)->timer_ = static_cast<int>(milliseconds);
        return 0;
    }

    const job& what_;
    CURLM* multi_ = curl_multi_init();
    int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    int timer_ = -1;
    std::size_t left_ = 0;
    std::vector<transfer> transfers_;
};

}  // namespace

bench::sample get(const job& what) {
    multi client(what);
    client.run(what.warm_up);
    if (what.latencies) what.latencies->clear();
    bench::meter meter;
    client.run(what.requests);
    return meter.cpu(what.requests);
}

}  // namespace curl_client
