//! The suite every engine must pass, run against the Docker daemon of this machine.
//!
//! `conformance` holds the promises of the seam, generic over the engine. `isolation`, `recovery`
//! and `outage` hold what Docker's engine promises besides. Each test has an installation of its
//! own, and removes everything that carries its label, whether it passes or not.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod docker;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod stage;

/// Runs each body as a test, on a stage of its own.
macro_rules! tests {
    ($($module:ident: $($name:ident)+;)+) => {$($(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let (stage, _cleanup) = docker::stage().await;
            $module::$name(&stage).await;
            stage.engine.shutdown().await;
        }
    )+)+};
}

tests! {
    conformance:
        starting_twice_yields_one_instance
        starting_the_same_instance_at_once_yields_one
        five_instances_start_at_once
        stopping_what_is_not_there_succeeds
        a_stop_lets_the_program_finish_within_its_grace
        a_crash_loop_is_restarted_and_counted
        an_instance_keeps_its_address_over_a_crash
        a_kill_for_memory_is_reported_as_such
        a_one_off_runs_once_and_keeps_its_exit_code
        output_arrives_live_and_tells_its_streams_apart
        output_of_an_unknown_instance_is_absent
        a_command_reads_input_and_returns_its_exit_code
        a_command_on_a_terminal_is_interactive
        an_attended_instance_starts_when_somebody_attaches
        a_terminal_takes_every_size_it_is_given
        a_command_ends_with_whoever_was_attached
        a_command_in_an_absent_instance_is_absent
        a_missing_image_is_told_apart
        a_missing_program_is_refused_with_its_name
        what_an_instance_listens_on_is_seen
        resources_are_read_without_waiting
        a_death_is_hinted_at;
    isolation:
        apps_reach_themselves_and_not_each_other
        link_local_addresses_are_prohibited_and_the_prohibition_stays
        an_instance_has_few_privileges_and_its_limits
        nothing_is_published_on_the_host
        the_image_entrypoint_is_used_only_without_a_command;
    recovery:
        what_an_interrupted_start_left_is_finished
        an_instance_whose_sandbox_was_removed_is_made_whole
        an_instance_whose_sandbox_was_restarted_is_made_whole
        a_name_that_belongs_to_a_stranger_is_refused_and_the_stranger_stays
        other_installations_and_strangers_are_not_seen
        a_spare_is_taken_and_made_again
        a_removed_app_leaves_nothing;
}
