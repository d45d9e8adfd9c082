// flags: -fno-exceptions
// expect: tandem: exceptions are off; remove -fno-exceptions
// SPDX-License-Identifier: BSL-1.0
#include <tandem/base/config.hpp>
