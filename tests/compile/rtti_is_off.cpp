// flags: -fno-rtti
// expect: tandem: RTTI is off; remove -fno-rtti
// SPDX-License-Identifier: BSL-1.0
#include <tandem/base/config.hpp>
