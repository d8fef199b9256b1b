# Targets for your Makefile: include states/cli/trailhand.mk
#
# The default branch is the checked-out one; for another one: BRANCH=<name> make trailhand-gate. The name
# is passed in the environment, because a branch name may contain characters that make interprets.

.PHONY: trailhand-start trailhand-advance trailhand-gate

# Requests the tests of a branch.
trailhand-start:
	@trailhand request verify --branch "$${BRANCH:-$$(git symbolic-ref --short HEAD)}"

# Runs all pending requests. Exit code 75 (something must wait) is not an error.
trailhand-advance:
	@trailhand run || [ "$$?" -eq 75 ]

# Fails unless the tests of a branch have passed. make exits with 2 for every failure.
trailhand-gate:
	@sh states/cli/gate "$${BRANCH:-HEAD}" review done
