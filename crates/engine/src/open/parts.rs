//! Parts in words: what a part keeps and which views read it, for people who look at what changed.

use headwater_kernel::plan::{Family, FeatureCompute, Plan, Reads, ViewPlan};
use headwater_kernel::window::Window;

/// What a part of a section keeps, e.g. `sum(amount) where paid over 1h, 24h`.
pub fn part_text(plan: &Plan, section: usize, part: usize) -> String {
    let section = &plan.sections[section];
    let part = &section.parts[part];
    let input = part.input.map_or("", |input| &section.inputs[input].text);
    let what = match &part.family {
        Family::Count => format!("count({input})"),
        Family::Sum => format!("sum({input})"),
        Family::Min => format!("min({input})"),
        Family::Max => format!("max({input})"),
        Family::First => format!("first({input})"),
        Family::Last { n: 1 } => format!("last({input})"),
        Family::Last { n } => format!("last({input}, n={n})"),
        Family::Raw { view, .. } => format!("events of {}", plan.views[*view].name),
    };
    let conditions = part.filter.iter().flat_map(|&filter| &section.filters[filter].conditions);
    let conditions: Vec<&str> = conditions.map(|condition| condition.text.as_str()).collect();
    let filter = match conditions.is_empty() {
        true => String::new(),
        false => format!(" where {}", conditions.join(" and ")),
    };
    let windows: Vec<String> = part.windows.iter().map(window_text).collect();
    format!("{what}{filter} over {}", windows.join(", "))
}

/// Names of the views that read a part, in the plan's order.
pub fn readers(plan: &Plan, section: usize, part: usize) -> Vec<String> {
    let views = plan.sections[section].views.iter().map(|&view| &plan.views[view]);
    views.filter(|view| reads(view, part)).map(|view| view.name.clone()).collect()
}

fn reads(view: &ViewPlan, part: usize) -> bool {
    let by_feature = view.features.iter().any(|feature| match &feature.compute {
        FeatureCompute::Aggregate(aggregate) => match aggregate.reads {
            Reads::Count(read) | Reads::One(read) | Reads::Raw(read) => read == part,
            Reads::Sum { sum: read, count } | Reads::Extreme { extreme: read, count } => {
                read == part || count == part
            }
        },
        FeatureCompute::Column(_) => false,
    });
    by_feature || [view.presence.count, view.presence.raw].contains(&Some(part))
}

fn window_text(window: &Window) -> String {
    match *window {
        Window::Sliding { width_us, .. } => length_text(width_us),
        Window::Exact { width_us } => format!("exactly {}", length_text(width_us)),
        Window::Lifetime => "lifetime".into(),
    }
}

/// A length in the largest unit that divides it.
fn length_text(us: i64) -> String {
    let units = [(86_400_000_000, "d"), (3_600_000_000, "h"), (60_000_000, "m"), (1_000_000, "s")];
    match units.iter().find(|unit| us % unit.0 == 0) {
        // As it is written in definitions: 24h, not 1d.
        Some(&(86_400_000_000, _)) if us == 86_400_000_000 => "24h".into(),
        Some((unit, name)) => format!("{}{name}", us / unit),
        None => format!("{us}us"),
    }
}

#[cfg(test)]
mod tests {
    use super::length_text;

    #[test]
    fn lengths_are_told_as_definitions_write_them() {
        let lengths = [86_400, 2 * 86_400, 3_600, 36 * 3_600, 90 * 60, 45].map(|s| s * 1_000_000);
        assert_eq!(lengths.map(length_text), ["24h", "2d", "1h", "36h", "90m", "45s"]);
        assert_eq!(length_text(1_500_000), "1500000us");
    }
}
