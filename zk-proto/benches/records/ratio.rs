//! How many times the floor the crate takes.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "a benchmark measures time")]
#![expect(clippy::print_stdout, reason = "the ratios are what it is run for")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use zk_proto::ops::Opcode;

use crate::{decode, floor, get_children, get_data};

/// Rounds of each measurement; the fastest counts, for it is the least disturbed.
const ROUNDS: usize = 300;

/// Prints a line for each bar.
pub(crate) fn print() {
    let frame = get_data(1024);
    line(
        "getData of 1 KiB",
        1.5,
        4000,
        || drop(black_box(decode(black_box(Opcode::GetData), black_box(&frame)))),
        || drop(black_box(floor::get_data(black_box(&frame)))),
    );
    let frame = get_children(100);
    line(
        "getChildren2 of 100",
        1.3,
        200,
        || drop(black_box(decode(black_box(Opcode::GetChildren2), black_box(&frame)))),
        || drop(black_box(floor::get_children2(black_box(&frame)))),
    );
}

fn line(name: &str, bar: f64, times: u32, ours: impl Fn(), floor: impl Fn()) {
    let (mut ours_best, mut floor_best) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        ours_best = ours_best.min(time(times, &ours));
        floor_best = floor_best.min(time(times, &floor));
    }
    let [ours, floor] = [ours_best, floor_best].map(|best| best.as_secs_f64() * 1e9 / f64::from(times));
    println!("{name}: {ours:.1} ns, floor {floor:.1} ns, ratio {:.2} (bar {bar})", ours / floor);
}

fn time(times: u32, run: &impl Fn()) -> Duration {
    let start = Instant::now();
    for _ in 0..times {
        run();
    }
    start.elapsed()
}
