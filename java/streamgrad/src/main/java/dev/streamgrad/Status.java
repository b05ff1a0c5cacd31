package dev.streamgrad;

/** The status codes of the boundary, the same in C, Java and Rust; a code is never used again for something else. */
final class Status {
    static final int OK = 0;

    static final int INVALID_INPUT = 100;
    static final int NULL_POINTER = 101;
    static final int CLOSED = 102;
    static final int BUFFER_TOO_SMALL = 103;
    static final int MISALIGNED = 104;

    static final int INVALID_BUNDLE = 200;
    static final int REFUSED_GRAPH = 201;
    static final int INVALID_SNAPSHOT = 202;

    static final int TENSORFLOW_NOT_FOUND = 300;
    static final int TENSORFLOW_CONFLICT = 301;
    static final int TENSORFLOW = 302;

    static final int NON_FINITE = 400;
    static final int POISONED = 401;
    static final int OUTLIER = 402;
    static final int PAUSED = 403;
    static final int STOPPED = 404;

    static final int IO = 500;
    static final int LOCKED = 501;

    static final int UNSUPPORTED = 900;
    static final int INTERNAL = 901;

    private Status() {}
}
