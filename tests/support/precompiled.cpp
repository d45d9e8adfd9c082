// tandem - gives the precompiled header of the tests a source to be compiled with
// SPDX-License-Identifier: BSL-1.0
