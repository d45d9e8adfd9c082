// tandem - forward declarations of the public types
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include <tandem/base/config.hpp>

namespace tandem::inline TANDEM_ABI {

class error;
class cancelled_error;
class interrupted_error;
class timeout_error;
class invalid_state_error;
class exception_group;
template <class T>
class outcome;

class loop_core;
class event_loop;
class run_options;
class call_handle;
class leaf;
class boundary;
template <class T>
class task;
template <class T>
class task_handle;
template <class T>
class task_local;
class task_group;
template <class Value>
class race_result;
template <class T>
class wait_result;

class event;
class lock;
class semaphore;
class bounded_semaphore;
class condition;
class barrier;
template <class T>
class queue;
template <class T, class Less>
class priority_queue;
template <class T>
class lifo_queue;
template <class T>
class broadcast;

class executor;
class executor_ref;
class executor_options;
class executor_statistics;
class executor_error;
class duration_histogram;
class job_options;
class map_options;
class cpu_executor;
class thread_executor;
class inline_executor;
class blocking_pool;

class pipeline_line;
class pipeline_options;
class pipeline_report;
class stage_report;
template <class T, std::size_t Stage>
class pipeline_builder;
template <class In>
class dead_item;

}  // namespace tandem::inline TANDEM_ABI
