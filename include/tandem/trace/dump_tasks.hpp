// tandem - dump_tasks: the tree of the tasks of a loop, and what each of them waits for
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/core/this_task.hpp>

namespace tandem::inline TANDEM_ABI {
namespace detail {

/// Draws the tree into a string. Bodies of timeouts, groups and the like are part of their task:
/// they stand in its line as "timeout > sleep"; what they start stands below.
class task_tree {
public:
    static std::string draw(loop_core& loop) {
        task_tree tree;
        if (loop.main()) loop.main()->each_child(&task_tree::visit, &tree);
        if (loop.root()) loop.root()->each_child(&task_tree::visit, &tree);
        return std::to_string(tree.count_) + (tree.count_ == 1 ? " task\n" : " tasks\n") + tree.text_;
    }

private:
    static constexpr std::size_t deepest = 64;  // levels drawn; what lies deeper is counted only

    static void visit(void* self, fiber& f) { static_cast<task_tree*>(self)->add(f); }

    static void collect(void* into, fiber& f) { static_cast<std::vector<fiber*>*>(into)->push_back(&f); }

    void add(fiber& f) {
        if (f.has(fiber_flag::ended)) return;
        ++count_;
        if (depth_ >= deepest) return;
        text_.append(2 * depth_, ' ');
        text_ += name_of(f);
        text_ += f.stop_pending() ? ", cancelled, " : ", ";
        std::vector<fiber*> below;
        describe_wait(f, below);
        if (f.root.where.line() != 0) {
            text_ += "  (";
            text_ += file_name(f.root.where.file_name());
            text_ += ':' + std::to_string(f.root.where.line()) + ')';
        }
        text_ += '\n';
        ++depth_;
        for (fiber* child : below) add(*child);
        --depth_;
    }

    /// A child of `gather` and the like that has no name goes by its place in it.
    static std::string name_of(const fiber& f) {
        if (f.root.info) return std::string(f.root.info->name());
        const std::size_t index = f.root.owner->index_of(f);
        if (index == boundary::nowhere) return "task";
        return std::string(f.root.owner->kind()) + '[' + std::to_string(index) + ']';
    }

    // Follows the wait through the scopes that are part of the task.
    void describe_wait(fiber& task, std::vector<fiber*>& below) {
        const char* separator = "waits for ";
        for (fiber* f = &task; f;) {
            if (!f->has(fiber_flag::started)) {
                text_ += "not started";
                return;
            }
            leaf* const waits = f->has(fiber_flag::ended) ? nullptr : f->current_leaf();
            if (!waits) {
                text_ += f == &task ? "ready" : " > ready";
                return;
            }
            text_ += separator;
            text_ += waits->kind();
            separator = " > ";
            f = descend(*waits, below);
        }
    }

    static fiber* descend(leaf& waits, std::vector<fiber*>& below) {
        boundary* const scope = dynamic_cast<boundary*>(&waits);
        if (!scope) return nullptr;
        std::vector<fiber*> children;
        scope->each_child(&task_tree::collect, &children);
        fiber* inner = nullptr;
        for (fiber* child : children) {
            if (child->has(fiber_flag::scope)) {
                inner = child;
            } else {
                below.push_back(child);
            }
        }
        return inner;
    }

    static std::string_view file_name(std::string_view path) {
        return path.substr(path.find_last_of("/\\") + 1);
    }

    std::string text_;
    std::size_t count_ = 0;
    std::size_t depth_ = 0;
};

}  // namespace detail

/// Prints the tree of the tasks of `loop`: name, state, what it waits for, where it was started.
/// Threads: the loop's.
inline void dump_tasks(std::ostream& out, loop_core& loop) { out << detail::task_tree::draw(loop); }

/// The same for the loop that runs on this thread.
/// Errors: `invalid_state_error` where none runs.
inline void dump_tasks(std::ostream& out) { dump_tasks(out, this_task::loop()); }

}  // namespace tandem::inline TANDEM_ABI
