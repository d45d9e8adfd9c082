// tandem examples - web_site: pages that a server of this machine gives, made from their number
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <tandem/testing/http_server.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

/// The page of a number: a title and some paragraphs. The same number gives the same page.
inline std::string page_of(int number) {
    static constexpr std::array<const char*, 16> words = {
        "the",  "loop",  "waits", "for",  "a",    "socket", "while", "every",
        "core", "reads", "pages", "that", "have", "come",   "and",   "stores"};
    std::uint64_t state = static_cast<std::uint64_t>(number) * 0x9e3779b97f4a7c15u + 1;
    const auto next = [&state] {
        state = state * 6364136223846793005u + 1442695040888963407u;
        return static_cast<std::size_t>(state >> 33);
    };
    std::string text = "<html><head><title>Page " + std::to_string(number) + "</title></head><body>";
    for (std::size_t paragraph = 2 + next() % 6; paragraph != 0; --paragraph) {
        text += "\n<p>";
        for (std::size_t i = 20 + next() % 80; i != 0; --i) text.append(words[next() % words.size()]) += ' ';
        text += "</p>";
    }
    return text + "\n</body></html>\n";
}

inline std::string title_of(const std::string& page) {
    const std::string before = page.substr(0, page.find("</title>"));
    return before.substr(before.rfind('>') + 1);
}

/// The number of words outside of tags.
inline int words_of(const std::string& page) {
    int words = 0;
    bool in_tag = false;
    bool in_word = false;
    for (const char c : page) {
        const bool was_in_word = in_word;
        in_tag = in_tag ? c != '>' : c == '<';
        in_word = !in_tag && c > ' ' && c != '>';
        words += in_word && !was_in_word;
    }
    return words;
}

inline std::string path_of(int number) { return "/pages/" + std::to_string(number); }

/// Has the server give the pages 1 .. `last`, each after `delay`, and never answer for those after
/// `answering`.
inline std::vector<std::string> publish(tandem::testing::http_server& server, int last, int answering,
                                        std::chrono::nanoseconds delay) {
    std::vector<std::string> paths;
    for (int n = 1; n <= last; ++n) {
        tandem::testing::reply answer(200, page_of(n));
        answer.delay(delay).header("Content-Type", "text/html");
        if (n > answering) answer.never();
        paths.push_back(path_of(n));
        server.on("GET", paths.back(), answer);
    }
    return paths;
}
