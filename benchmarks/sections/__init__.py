"""The sections of benchmarks/README.md: a result, as `results/*.json` has it, in lines of Markdown."""
