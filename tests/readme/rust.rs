struct Flight {
    hour: f32,
    distance: f32,
    seats: f32,
    wind: f32,
    late: f32,
}

fn main() -> streamgrad::Result<()> {
    let part = |i: u32, factor: u32| (i * factor % 100) as f32 / 100.0;
    let flights: Vec<Flight> = (0..32)
        .map(|i| Flight { hour: part(i, 19), distance: part(i, 37), seats: part(i, 53), wind: part(i, 71), late: f32::from(u8::from(i % 3 == 0)) })
        .collect();
    {
        /* README */
    }
    Ok(())
}
