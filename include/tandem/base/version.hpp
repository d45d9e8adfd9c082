// tandem - the version number; the build files and recipes read it from here
// SPDX-License-Identifier: BSL-1.0
#pragma once

#define TANDEM_VERSION_MAJOR 0
#define TANDEM_VERSION_MINOR 1
#define TANDEM_VERSION_PATCH 0

/// major * 10000 + minor * 100 + patch, for comparison in the preprocessor.
#define TANDEM_VERSION (TANDEM_VERSION_MAJOR * 10000 + TANDEM_VERSION_MINOR * 100 + TANDEM_VERSION_PATCH)
