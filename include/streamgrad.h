/*
 * Streamgrad: online learning of TensorFlow models inside the process that holds the stream.
 *
 * The rules that every function obeys (handles, errors, threads, lifetimes, sizes) are in docs/c-abi.md.
 * Made by cbindgen from the library's source: change it there.
 */

#ifndef STREAMGRAD_H
#define STREAMGRAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * The bytes of the message of an `sg_error`, its zero included.
 */
#define SG_MESSAGE_BYTES 1024

/**
 * The number of the contract that this header declares; compare it with `sg_abi()`.
 */
#define SG_ABI 1

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The number of the contract that the library keeps; a program compiled against another `SG_ABI` must not go on.
 *
 * Thread-safe.
 */
uint32_t sg_abi(void);

/**
 * The library's version, such as "0.1.0": static, zero-terminated, never to be freed.
 *
 * Thread-safe.
 */
const char *sg_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* STREAMGRAD_H */
