//! One number, four or eight: what a rule's formula is written in.
//!
//! A formula is generic over [`Lanes`] and reads like the one in the paper. That the loop is vector code is then not left
//! to the optimizer of the compiler, which loses a factor of two to four on some rules. Every operation is the IEEE one,
//! so the bits do not depend on the width.

use std::arch::x86_64::*;
use std::ops::{Add, Div, Mul, Sub};

/// The most lanes of any vector.
const WIDEST: usize = 8;

/// Numbers side by side, each computed with by itself. A plain `f32` on the right stands for all lanes.
pub(super) trait Lanes:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Add<f32, Output = Self>
    + Mul<f32, Output = Self>
    + Div<f32, Output = Self>
{
    /// The number of lanes.
    const WIDTH: usize;

    fn splat(value: f32) -> Self;

    fn sqrt(self) -> Self;

    /// Every lane to this power, by the C library.
    #[inline(always)]
    fn powf(self, exponent: f32) -> Self {
        let mut lanes = [0.0f32; WIDEST];
        // SAFETY: no vector has more lanes.
        unsafe { self.store(lanes.as_mut_ptr()) };
        lanes[..Self::WIDTH].iter_mut().for_each(|lane| *lane = lane.powf(exponent));
        // SAFETY: as above.
        unsafe { Self::load(lanes.as_ptr()) }
    }

    fn abs(self) -> Self;

    /// 1, 0 or -1.
    fn sign(self) -> Self;

    /// The larger one, for numbers that are not NaN.
    fn larger(self, other: Self) -> Self;

    /// The smaller one, for numbers that are not NaN.
    fn smaller(self, other: Self) -> Self;

    fn any_nan(self) -> bool;

    /// # Safety
    /// `WIDTH` floats can be read there.
    unsafe fn load(from: *const f32) -> Self;

    /// # Safety
    /// `WIDTH` floats can be written there.
    unsafe fn store(self, to: *mut f32);

    /// Stores around the caches; to be followed by a fence.
    ///
    /// # Safety
    /// `WIDTH` floats can be written there, and it is aligned to their size together.
    unsafe fn stream(self, to: *mut f32);

    /// # Safety
    /// As of [`Lanes::store`] or of [`Lanes::stream`].
    #[inline(always)]
    unsafe fn write(self, to: *mut f32, stream: bool) {
        // SAFETY: the caller's.
        unsafe { if stream { self.stream(to) } else { self.store(to) } }
    }
}

impl Lanes for f32 {
    const WIDTH: usize = 1;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        value
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        self.sqrt()
    }

    #[inline(always)]
    fn abs(self) -> Self {
        self.abs()
    }

    #[inline(always)]
    fn sign(self) -> Self {
        f32::from(self > 0.0) - f32::from(self < 0.0)
    }

    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        if self > other { self } else { other }
    }

    #[inline(always)]
    fn smaller(self, other: Self) -> Self {
        if self < other { self } else { other }
    }

    #[inline(always)]
    fn any_nan(self) -> bool {
        self.is_nan()
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's.
        unsafe { from.read() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's.
        unsafe { to.write(self) }
    }

    #[inline(always)]
    unsafe fn stream(self, to: *mut f32) {
        // SAFETY: the caller's.
        unsafe { to.write(self) }
    }
}

macro_rules! lanes {
    (
        $(#[$doc:meta])* $name:ident($vector:ty) $width:literal $splat:ident $add:ident $sub:ident $mul:ident $div:ident
        $sqrt:ident $max:ident $min:ident $load:ident $store:ident $stream:ident $and:ident $andnot:ident
        $less:expr, |$value:ident| $nan:expr
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(super) struct $name($vector);

        lanes!(@operators $name $splat Add add $add Sub sub $sub Mul mul $mul Div div $div);

        // In all of these, SAFETY: the CPU has the instructions, or there would be no value of this type.
        impl Lanes for $name {
            const WIDTH: usize = $width;

            #[inline(always)]
            fn splat(value: f32) -> Self {
                // SAFETY: above.
                Self(unsafe { $splat(value) })
            }

            #[inline(always)]
            fn sqrt(self) -> Self {
                // SAFETY: above.
                Self(unsafe { $sqrt(self.0) })
            }

            #[inline(always)]
            fn abs(self) -> Self {
                // SAFETY: above.
                Self(unsafe { $andnot($splat(-0.0), self.0) })
            }

            #[inline(always)]
            fn sign(self) -> Self {
                // SAFETY: above.
                unsafe {
                    let (zero, one) = ($splat(0.0), $splat(1.0));
                    Self($sub($and($less(zero, self.0), one), $and($less(self.0, zero), one)))
                }
            }

            #[inline(always)]
            fn larger(self, other: Self) -> Self {
                // SAFETY: above.
                Self(unsafe { $max(self.0, other.0) })
            }

            #[inline(always)]
            fn smaller(self, other: Self) -> Self {
                // SAFETY: above.
                Self(unsafe { $min(self.0, other.0) })
            }

            #[inline(always)]
            fn any_nan(self) -> bool {
                let $value = self.0;
                // SAFETY: above.
                unsafe { $nan != 0 }
            }

            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: above, and the caller's.
                Self(unsafe { $load(from) })
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: above, and the caller's.
                unsafe { $store(to, self.0) }
            }

            #[inline(always)]
            unsafe fn stream(self, to: *mut f32) {
                // SAFETY: above, and the caller's.
                unsafe { $stream(to, self.0) }
            }
        }
    };
    (@operators $name:ident $splat:ident $($trait:ident $method:ident $instruction:ident)+) => {$(
        impl $trait for $name {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                // SAFETY: the CPU has the instruction, or there would be no value of this type.
                Self(unsafe { $instruction(self.0, other.0) })
            }
        }

        impl $trait<f32> for $name {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: f32) -> Self {
                $trait::$method(self, Self::splat(other))
            }
        }
    )+};
}

lanes! {
    /// Four numbers, on every x86-64 CPU.
    Four(__m128) 4 _mm_set1_ps _mm_add_ps _mm_sub_ps _mm_mul_ps _mm_div_ps _mm_sqrt_ps _mm_max_ps _mm_min_ps
    _mm_loadu_ps _mm_storeu_ps _mm_stream_ps _mm_and_ps _mm_andnot_ps _mm_cmplt_ps, |value| _mm_movemask_ps(_mm_cmpunord_ps(value, value))
}

lanes! {
    /// Eight numbers. Made only on a CPU that has AVX, in functions compiled for it.
    Eight(__m256) 8 _mm256_set1_ps _mm256_add_ps _mm256_sub_ps _mm256_mul_ps _mm256_div_ps _mm256_sqrt_ps _mm256_max_ps _mm256_min_ps
    _mm256_loadu_ps _mm256_storeu_ps _mm256_stream_ps _mm256_and_ps _mm256_andnot_ps _mm256_cmp_ps::<_CMP_LT_OQ>, |value| _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_UNORD_Q>(value, value))
}
