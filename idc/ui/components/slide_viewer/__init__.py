"""slide_viewer"""
