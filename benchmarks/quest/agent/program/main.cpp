// agent - asks real addresses, or your own files, and answers a question with what it finds there
// SPDX-License-Identifier: BSL-1.0
#include <tandem/asio/run.hpp>
#include <tandem/cpu/cpu_executor.hpp>
#include <tandem/http/proxy.hpp>
#include <tandem/testing/http_server.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "../printable.hpp"
#include "../web_tools.hpp"
#include "support/output.hpp"
#if QUEST_AGENT_HAS_TLS
#include <tandem/http/tls.hpp>
#endif

namespace quest {
namespace {

#if QUEST_AGENT_HAS_TLS
constexpr bool has_tls = true;
void add_tls(tandem::http::client_options& to) { to.tls(tandem::http::tls()); }
#else
constexpr bool has_tls = false;
void add_tls(tandem::http::client_options&) {}
#endif

constexpr std::uintmax_t largest_file = 8 << 20;

/// A command line that cannot be meant; what() says why.
class usage_error : public std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

constexpr const char* usage =
    "usage: agent --question TEXT --live URL...\n"
    "       agent --question TEXT --corpus DIR\n"
    "\n"
    "  --live URL...   asks these addresses, all at once: text, HTML, or JSON with a member \"text\"; http, "
    "and\n"
    "                  https where it was built with OpenSSL; proxies as the environment says\n"
    "  --corpus DIR    serves the .txt and .md files below DIR on 127.0.0.1 and asks those\n"
    "  --budget S      answers within S seconds with what there is by then; 15 unless given\n"
    "  --call S        waits at most S seconds for each source; 5 unless given\n"
    "\n"
    "Exit status: 0 if all sources answered, 1 if some did or the answer could not be printed, 2 for a\n"
    "wrong argument, 3 if no source answered, 130 after Ctrl-C.\n";

double parse_seconds(const std::string& option, const std::string& text) {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0' || !(value > 0) || value > 3600) {
        throw usage_error(option + " wants seconds, more than 0 and at most 3600, not \"" + text + "\"");
    }
    return value;
}

class command_line {
public:
    command_line(int argc, char** argv) {
        const std::vector<std::string> arguments(argv + 1, argv + argc);
        for (std::size_t i = 0; i < arguments.size(); ++i) i += take(arguments, i);
        if (help) return;
        if (question.empty())
            throw usage_error("there is no question; give one, as in --question \"who built it?\"");
        if (urls.empty() == corpus.empty())
            throw usage_error("give either --live with addresses or --corpus with a folder");
    }

    bool help = false;
    std::string question;
    std::vector<std::string> urls;
    std::string corpus;
    double budget = 15;
    double call = 5;

private:
    // How many arguments after this one belong to it.
    std::size_t take(const std::vector<std::string>& all, std::size_t at) {
        const std::string& option = all[at];
        if (option == "--help" || option == "-h") {
            help = true;
            return 0;
        }
        if (option == "--live") return take_urls(all, at);
        const std::size_t equals = option.starts_with("--") ? option.find('=') : option.npos;
        const std::string name = option.substr(0, equals);
        const bool known =
            name == "--question" || name == "--corpus" || name == "--budget" || name == "--call";
        if (!known) throw usage_error("there is no option \"" + option + "\"; addresses stand after --live");
        if (equals != option.npos) {
            take_value(name, option.substr(equals + 1));
            return 0;
        }
        if (at + 1 == all.size()) throw usage_error(option + " wants a value after it");
        take_value(name, all[at + 1]);
        return 1;
    }
    void take_value(const std::string& option, const std::string& value) {
        if (option == "--question") question = value;
        if (option == "--corpus") corpus = value;
        if (option == "--budget") budget = parse_seconds(option, value);
        if (option == "--call") call = parse_seconds(option, value);
    }
    static void check_url(const std::string& text) {
        try {
            const tandem::http::url address(text);
            if (!address.is_https() || has_tls) return;
        } catch (const tandem::http::error& error) {
            throw usage_error("\"" + text + "\" is no address: " + error.what());
        }
        throw usage_error("\"" + text +
                          "\" needs TLS, and this program was built without OpenSSL 3; install it "
                          "(Debian: libssl-dev), configure and build again, or give http addresses");
    }
    std::size_t take_urls(const std::vector<std::string>& all, std::size_t at) {
        std::size_t count = 0;
        for (std::size_t i = at + 1; i < all.size() && !all[i].starts_with("--"); ++i, ++count) {
            check_url(all[i]);
            urls.push_back(all[i]);
        }
        if (count == 0)
            throw usage_error("--live wants addresses after it, as in --live http://127.0.0.1:8000/a.txt");
        return count;
    }
};

/// The text files below a folder, by their names relative to it.
std::vector<std::pair<std::string, std::string>> read_folder(const std::filesystem::path& folder) {
    namespace fs = std::filesystem;
    std::error_code error;
    fs::directory_iterator(folder, error);
    if (error) throw usage_error("--corpus: \"" + folder.string() + "\" is no folder that can be read");
    std::vector<std::pair<std::string, std::string>> texts;
    for (const fs::directory_entry& entry :
         fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied)) {
        const fs::path extension = entry.path().extension();
        // A link that leads nowhere is none.
        if (!entry.is_regular_file(error) || (extension != ".txt" && extension != ".md")) continue;
        if (const std::uintmax_t size = entry.file_size(); size > largest_file) {
            throw usage_error("--corpus: " + entry.path().string() + " has " + std::to_string(size) +
                              " bytes, the limit is " + std::to_string(largest_file) + "; split it");
        }
        std::ifstream file(entry.path(), std::ios::binary);
        std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
        if (!file) throw usage_error("--corpus: " + entry.path().string() + " cannot be read");
        texts.emplace_back(entry.path().lexically_relative(folder).string(), std::move(text));
    }
    if (texts.empty())
        throw usage_error("--corpus: there is no .txt and no .md file below \"" + folder.string() + "\"");
    std::sort(texts.begin(), texts.end());
    return texts;
}

std::vector<web_source> serve(tandem::testing::http_server& server, const std::filesystem::path& folder) {
    std::vector<web_source> sources;
    for (auto& [name, text] : read_folder(folder)) {
        const std::string path = "/" + std::to_string(sources.size());
        server.on("GET", path, tandem::testing::reply(200, std::move(text)));
        sources.emplace_back(name, std::vector<std::string>{server.url(path)});
    }
    return sources;
}

tandem::http::proxies proxies() {
    try {
        return tandem::http::proxies::from_environment();
    } catch (const tandem::http::error& error) {
        throw usage_error(std::string("a proxy that the environment names is no address: ") + error.what());
    }
}

// The outside world: through the proxies that the environment names, and with TLS where an address asks for
// it.
web_options world(const command_line& line) {
    tandem::http::client_options client;
    if (line.urls.empty()) return web_options();
    client.proxy(proxies());
    if (std::ranges::any_of(line.urls,
                            [](const std::string& url) { return tandem::http::url(url).is_https(); }))
        add_tls(client);
    return web_options().client(std::move(client));
}

tandem::task<agent_report> ask(tandem::executor& pool, const command_line& line,
                               std::vector<web_source> sources) {
    web_tools tools(pool, line.question, std::move(sources), world(line));
    const auto limits = agent_limits()
                            .call(std::chrono::ceil<tandem::duration>(seconds(line.call)))
                            .budget(std::chrono::ceil<tandem::duration>(seconds(line.budget)));
    co_return co_await run_agent(tools, schedule::overlapped, limits);
}

void print(const agent_report& r) {
    for (const source_slot& s : r.slots) {
        const seconds io = (s.received == seconds(0) ? s.done : s.received) - s.asked;
        std::printf("%-10s %6.2f s waited %6.2f s of a core  %s%s%s\n", to_string(s.how), io.count(),
                    s.cpu.count(), text::printable(s.name).c_str(),
                    s.error.empty() && s.note.empty() ? "" : ": ",
                    text::printable(s.error.empty() ? s.note : s.error).c_str());
    }
    if (r.answer.empty()) {
        std::puts("\nno answer");
    } else {
        std::printf("\n%s\n", text::printable(r.answer.text).c_str());
        for (const text::citation& c : r.answer.citations)
            std::printf("  %s, passage %zu\n", text::printable(c.source).c_str(), c.passage + 1);
    }
    std::printf("\nworkers used: %zu of %zu, %.2f s of a core in all\n%s\n", r.workers_used, r.workers,
                r.cpu.count(), text::printable(r.last_line()).c_str());
}

int run(int argc, char** argv) {
    const command_line line(argc, argv);
    if (line.help) {
        std::cout << usage;
        return 0;
    }
    std::optional<tandem::testing::http_server> server;
    std::vector<web_source> sources;
    if (!line.corpus.empty()) sources = serve(server.emplace(), line.corpus);
    // Named without what is secret in them.
    for (const std::string& url : line.urls)
        sources.emplace_back(tandem::http::url(url).redacted(), std::vector<std::string>{url});
    tandem::cpu_executor pool(tandem::available_cores());
    const agent_report r = tandem::run(ask(pool, line, std::move(sources)));
    print(r);
    if (r.answered() == 0) return 3;
    return r.partial() ? 1 : 0;
}

int run_or_explain(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const usage_error& error) {
        std::cerr << "agent: " << error.what() << "\n\n" << usage;
        return 2;
    } catch (const tandem::interrupted_error& interrupted) {
        std::cerr << "agent: interrupted\n";
        return 128 + interrupted.signal();
    } catch (const std::exception& error) {
        std::cerr << "agent: " << error.what() << '\n';
        return 1;
    }
}

}  // namespace
}  // namespace quest

int main(int argc, char** argv) {
    bench::occupy_standard_files();
    return bench::status_with_output("agent", quest::run_or_explain(argc, argv));
}
