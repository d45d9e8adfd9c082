// SPDX-License-Identifier: BSL-1.0
#include "site.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>
#include <vector>

extern char** environ;

namespace site {
namespace {

namespace fs = std::filesystem;
using boost::asio::ip::tcp;

fs::path folder;
::pid_t nginx = -1;
unsigned short plain = 0;
unsigned short secure = 0;

tcp::endpoint at(unsigned short port) { return tcp::endpoint(boost::asio::ip::address_v4::loopback(), port); }

unsigned short free_port() {
    boost::asio::io_context context;
    return tcp::acceptor(context, at(0)).local_endpoint().port();
}

std::string nginx_program() {
    for (const char* path : {"/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"}) {
        if (fs::exists(path)) return path;
    }
    throw std::runtime_error("nginx is not installed (Debian: nginx), and there is nothing to ask");
}

void write_file(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

void make_certificate() {
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout '" +
        (folder / "key.pem").string() + "' -out '" + (folder / "cert.pem").string() + "' 2>/dev/null";
    if (std::system(command.c_str()) != 0) throw std::runtime_error("openssl failed (Debian: openssl)");
}

std::string last_core_mask(int cores) {
    return cores > 1 ? "1" + std::string(static_cast<std::size_t>(cores - 1), '0') : "1";
}

std::string configuration(int cores) {
    const std::string at_port = "listen 127.0.0.1:";
    return "worker_processes 1; worker_cpu_affinity " + last_core_mask(cores) +
           "; daemon off; pid nginx.pid; error_log error.log;\n"
           "events { worker_connections 20000; }\n"
           "http { access_log off; keepalive_requests 100000000; keepalive_timeout 75s; sendfile on; "
           "tcp_nodelay on;\n"
           "client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path "
           "uwsgi;\n"
           "scgi_temp_path scgi; open_file_cache max=10; default_type text/plain;\n"
           "server { " +
           at_port + std::to_string(plain) +
           " backlog=16384; root www; }\n"
           "server { " +
           at_port + std::to_string(secure) +
           " ssl backlog=16384; root www;\n"
           "ssl_certificate cert.pem; ssl_certificate_key key.pem; ssl_protocols TLSv1.3; } }\n";
}

void write_pages() {
    fs::create_directory(folder / "www");
    write_file(folder / "www" / "small", std::string(small_body, 'x'));
    std::ofstream(folder / "www" / "large").flush();
    fs::resize_file(folder / "www" / "large", large_body);
    // The worker runs as nobody when this runs as root.
    for (const fs::path& path : {folder, folder / "www"}) fs::permissions(path, fs::perms(0755));
}

::pid_t spawn(std::vector<std::string> words) {
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ::pid_t child = -1;
    if (::posix_spawn(&child, arguments[0], nullptr, nullptr, arguments.data(), environ) != 0) {
        throw std::runtime_error("cannot start " + words[0]);
    }
    return child;
}

void wait_until_it_listens() {
    boost::asio::io_context context;
    for (int tries = 0; tries < 500; ++tries) {
        tcp::socket socket(context);
        boost::system::error_code refused;
        socket.connect(at(plain), refused);
        if (!refused) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    throw std::runtime_error("nginx does not listen; see " + (folder / "error.log").string());
}

/// All but the last core, where nginx is.
void leave_the_last_core(int cores) {
    if (cores < 2) return;
    ::cpu_set_t mine;
    CPU_ZERO(&mine);
    for (int core = 0; core + 1 < cores; ++core) CPU_SET(static_cast<unsigned>(core), &mine);
    ::sched_setaffinity(0, sizeof mine, &mine);
}

}  // namespace

void start() {
    const std::string program = nginx_program();
    const int cores = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
    std::string name = (fs::temp_directory_path() / "tandem_bench_http_XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("cannot make a folder in " + name);
    folder = name;
    plain = free_port();
    secure = free_port();
    make_certificate();
    write_pages();
    write_file(folder / "nginx.conf", configuration(cores));
    nginx =
        spawn({program, "-p", folder.string(), "-e", "error.log", "-c", (folder / "nginx.conf").string()});
    wait_until_it_listens();
    leave_the_last_core(cores);
}

void stop() {
    if (nginx > 0) {
        ::kill(nginx, SIGTERM);
        ::waitpid(nginx, nullptr, 0);
        nginx = -1;
    }
    if (!folder.empty()) fs::remove_all(folder);
}

unsigned short port() { return plain; }
unsigned short tls_port() { return secure; }
std::string small_url() { return "http://127.0.0.1:" + std::to_string(plain) + "/small"; }
std::string large_url() { return "http://127.0.0.1:" + std::to_string(plain) + "/large"; }
std::string tls_small_url() { return "https://127.0.0.1:" + std::to_string(secure) + "/small"; }
std::string tls_large_url() { return "https://127.0.0.1:" + std::to_string(secure) + "/large"; }
std::string authority() { return (folder / "cert.pem").string(); }

}  // namespace site
