# Start, advance and gate from make. In your Makefile: include states/cli/trailhand.mk
#
# `BRANCH=<name> make trailhand-gate` is for another branch than the checked-out one. The name is in the
# environment, and never a word of make, because a branch may have any name.

.PHONY: trailhand-start trailhand-advance trailhand-gate

# Asks for the tests of a branch.
trailhand-start:
	@trailhand request verify --branch "$${BRANCH:-$$(git symbolic-ref --short HEAD)}"

# Works off what is asked for; "something is left for later" (75) is no error.
trailhand-advance:
	@trailhand run || [ "$$?" -eq 75 ]

# Fails unless the tests of a branch have passed. make has one exit code for all failures: 2.
trailhand-gate:
	@sh states/cli/gate "$${BRANCH:-HEAD}" review done
