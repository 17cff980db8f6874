"""Registers that people keep: approvals and exceptions, as tables of whatever columns their system exports."""
