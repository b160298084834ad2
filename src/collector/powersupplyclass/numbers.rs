//! The numbers that drivers of power supplies give: in microvolts, microamperes, microwatt hours and
//! so on, and tenths of degrees.

use crate::collector::lines::parse_number;
use crate::collector::number_files::NumberFile;
use crate::collector::table::Metric;

pub(super) const NUMBERS: [NumberFile; 49] = [
    whole("authentic", "node_power_supply_authentic", "Whether a power supply is a genuine one."),
    whole(
        "calibrate",
        "node_power_supply_calibrate",
        "Whether a power supply is being calibrated.",
    ),
    whole(
        "capacity",
        "node_power_supply_capacity",
        "Charge of a power supply in percent of a full one.",
    ),
    whole(
        "capacity_alert_max",
        "node_power_supply_capacity_alert_max",
        "Charge in percent above which a power supply gives warning.",
    ),
    whole(
        "capacity_alert_min",
        "node_power_supply_capacity_alert_min",
        "Charge in percent below which a power supply gives warning.",
    ),
    whole("cycle_count", "node_power_supply_cyclecount", "Cycles of charge of a power supply."),
    whole(
        "online",
        "node_power_supply_online",
        "Whether a power supply gives power, or which kind of it.",
    ),
    whole("present", "node_power_supply_present", "Whether a power supply is there."),
    whole(
        "time_to_empty_now",
        "node_power_supply_time_to_empty_seconds",
        "Time until a power supply is empty.",
    ),
    whole(
        "time_to_full_now",
        "node_power_supply_time_to_full_seconds",
        "Time until a power supply is full.",
    ),
    millionths(
        "current_boot",
        "node_power_supply_current_boot",
        "Current of a power supply at the start, in amperes.",
    ),
    millionths(
        "current_max",
        "node_power_supply_current_max",
        "Highest current of a power supply, in amperes.",
    ),
    millionths("current_now", "node_power_supply_current_ampere", "Current of a power supply."),
    millionths(
        "energy_empty",
        "node_power_supply_energy_empty",
        "Energy of a power supply that counts as empty, in watt hours.",
    ),
    millionths(
        "energy_empty_design",
        "node_power_supply_energy_empty_design",
        "Energy of a power supply that was to count as empty, in watt hours.",
    ),
    millionths(
        "energy_full",
        "node_power_supply_energy_full",
        "Energy of a power supply that is full, in watt hours.",
    ),
    millionths(
        "energy_full_design",
        "node_power_supply_energy_full_design",
        "Energy of a power supply that was full when it was new, in watt hours.",
    ),
    millionths("energy_now", "node_power_supply_energy_watthour", "Energy of a power supply."),
    millionths(
        "voltage_boot",
        "node_power_supply_voltage_boot",
        "Voltage of a power supply at the start, in volts.",
    ),
    millionths(
        "voltage_max",
        "node_power_supply_voltage_max",
        "Highest voltage of a power supply, in volts.",
    ),
    millionths(
        "voltage_max_design",
        "node_power_supply_voltage_max_design",
        "Highest voltage that a power supply was made for, in volts.",
    ),
    millionths(
        "voltage_min",
        "node_power_supply_voltage_min",
        "Lowest voltage of a power supply, in volts.",
    ),
    millionths(
        "voltage_min_design",
        "node_power_supply_voltage_min_design",
        "Lowest voltage that a power supply was made for, in volts.",
    ),
    millionths("voltage_now", "node_power_supply_voltage_volt", "Voltage of a power supply."),
    millionths(
        "voltage_ocv",
        "node_power_supply_voltage_ocv",
        "Voltage of a power supply without a load, in volts.",
    ),
    millionths(
        "charge_control_limit",
        "node_power_supply_charge_control_limit",
        "Limit on the charging of a power supply, in amperes.",
    ),
    millionths(
        "charge_control_limit_max",
        "node_power_supply_charge_control_limit_max",
        "Highest limit on the charging of a power supply, in amperes.",
    ),
    millionths(
        "charge_counter",
        "node_power_supply_charge_counter",
        "Charge that went into a power supply and out, in ampere hours.",
    ),
    millionths(
        "charge_empty",
        "node_power_supply_charge_empty",
        "Charge of a power supply that counts as empty, in ampere hours.",
    ),
    millionths(
        "charge_empty_design",
        "node_power_supply_charge_empty_design",
        "Charge of a power supply that was to count as empty, in ampere hours.",
    ),
    millionths(
        "charge_full",
        "node_power_supply_charge_full",
        "Charge of a power supply that is full, in ampere hours.",
    ),
    millionths(
        "charge_full_design",
        "node_power_supply_charge_full_design",
        "Charge of a power supply that was full when it was new, in ampere hours.",
    ),
    millionths(
        "charge_now",
        "node_power_supply_charge_ampere",
        "Charge of a power supply, in ampere hours.",
    ),
    millionths(
        "charge_term_current",
        "node_power_supply_charge_term_current",
        "Current at which charging ends, in amperes.",
    ),
    millionths(
        "constant_charge_current",
        "node_power_supply_constant_charge_current",
        "Constant current that a power supply is charged with, in amperes.",
    ),
    millionths(
        "constant_charge_current_max",
        "node_power_supply_constant_charge_current_max",
        "Highest constant current that a power supply can be charged with, in amperes.",
    ),
    millionths(
        "constant_charge_voltage",
        "node_power_supply_constant_charge_voltage",
        "Constant voltage that a power supply is charged with, in volts.",
    ),
    millionths(
        "constant_charge_voltage_max",
        "node_power_supply_constant_charge_voltage_max",
        "Highest constant voltage that a power supply can be charged with, in volts.",
    ),
    millionths(
        "precharge_current",
        "node_power_supply_precharge_current",
        "Current that an empty power supply is charged with at first, in amperes.",
    ),
    millionths(
        "input_current_limit",
        "node_power_supply_input_current_limit",
        "Limit on the current that a power supply takes, in amperes.",
    ),
    millionths("power_now", "node_power_supply_power_watt", "Power of a power supply."),
    tenths("temp", "node_power_supply_temp_celsius", "Temperature of a power supply."),
    tenths(
        "temp_alert_max",
        "node_power_supply_temp_alert_max_celsius",
        "Temperature above which a power supply gives warning.",
    ),
    tenths(
        "temp_alert_min",
        "node_power_supply_temp_alert_min_celsius",
        "Temperature below which a power supply gives warning.",
    ),
    tenths(
        "temp_ambient",
        "node_power_supply_temp_ambient_celsius",
        "Temperature around a power supply.",
    ),
    tenths(
        "temp_ambient_max",
        "node_power_supply_temp_ambient_max_celsius",
        "Temperature around a power supply above which it gives warning.",
    ),
    tenths(
        "temp_ambient_min",
        "node_power_supply_temp_ambient_min_celsius",
        "Temperature around a power supply below which it gives warning.",
    ),
    tenths(
        "temp_max",
        "node_power_supply_temp_max_celsius",
        "Highest temperature that a power supply can work at.",
    ),
    tenths(
        "temp_min",
        "node_power_supply_temp_min_celsius",
        "Lowest temperature that a power supply can work at.",
    ),
];

const fn whole(file: &'static str, name: &'static str, help: &'static str) -> NumberFile {
    NumberFile::new(file, Metric::gauge(name, help))
}

const fn millionths(file: &'static str, name: &'static str, help: &'static str) -> NumberFile {
    whole(file, name, help).parsed(|content| Some(parse_number::<f64>(content)? / 1e6))
}

const fn tenths(file: &'static str, name: &'static str, help: &'static str) -> NumberFile {
    whole(file, name, help).parsed(|content| Some(parse_number::<f64>(content)? / 10.0))
}
